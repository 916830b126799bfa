// Package picture draws what a run shows: sheets of small images, point clouds and the flow between
// them, densities, pair plots, loss curves, and the flow as a moving picture.
//
// Everything is drawn on a plain RGBA canvas by a few anti-aliased shapes and the Go fonts, so that the
// picture depends on its arguments only. A picture is a struct whose fields say what is to be seen, with a
// method that writes it.
package picture
