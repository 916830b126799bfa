// Package nn declares networks and keeps their parameters.
package nn
