// Package model is the front door: it fits a flow to plain rows, keeps it in one file, and samples and
// scores with it. What has to be remembered between training and use is in the model: scaling, names of
// columns, conditions and their classes, the held-out rows' scores, the network.
//
//	m, err := model.Fit(ctx, rows, model.Options{Seed: 1})
//	err = m.Save("moons.safetensors")
//	m, err = model.Open("moons.safetensors")
//	x, err := m.Sample(ctx, 2000, model.SampleOptions{Seed: 7})
//	d, err := m.LogDensity(ctx, x.Rows, model.DensityOptions{})
//
// # What Fit does
//
// Rows are shared out by a hash of their values, so that equal rows fall on one side; about one in five
// is held out and nothing is fitted to it, the scaling included. The others are scaled per column (images
// by one factor for all pixels, see Options.Scaling). A residual network is trained by conditional flow
// matching; every ValEvery steps the average of its weights is scored on the held-out rows, and the
// best average is what the model keeps (of images the last, see Options.Image). The held-out rows' log-densities become the scale on which
// LogDensity's p-values are read.
//
// Fitter is the same in steps that can be stopped, saved and taken up again, ending in the same bytes.
//
// # The file
//
// A model file is a safetensors file, readable by its peers: the weights under PyTorch's names, and in
// its metadata "format" (1), "model" (a JSON object: everything but the weights), "golden" (inputs of the
// network and the bits it answered), "calibration" (log-densities of held-out rows) and package nn's sum over
// every byte. Time runs from the source at t = 0 to
// the data at t = 1. The file holds no time, host, path or speed: equal runs write equal bytes. Read
// checks the sum, every name, shape and number, and asks the network for the golden answers again, so
// that a damaged file, or a processor that computes otherwise, is found before it is believed.
package model
