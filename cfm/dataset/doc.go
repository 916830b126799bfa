// Package dataset holds the laws and tables that models are tried on, and reads one's own.
//
// A toy [Law] is a distribution in the plane with a name, constants taken from the programs whose
// published figures rest on them, and a density where there is a closed one:
//
//	name             source                                              density
//	gaussian         N(0, I)                                             closed
//	8gaussians       torchcfm: radius 5, covariance √0.1·I               closed
//	8gaussians-tight the same with covariance 0.1·I                      closed
//	moons            torchcfm: noise uniform on [0, 0.2], one draw for   closed, unbounded
//	                 both axes, then 3x − 1
//	moons-normal     scikit-learn: normal noise, s.d. 0.2 on each axis,  one integral
//	                 then 3x − 1
//	scurve           scikit-learn: S curve seen from the side, normal    one integral
//	                 noise, s.d. 0.1, then 2x
//	rings            FFJORD: four circles                                one integral
//	checkerboard     FFJORD: eight squares of side 2                     closed
//	pinwheel         FFJORD: five bent arms                              none
//	spirals          FFJORD: two arms                                    none
//
// The programs of the peers lay the points of moons, rings and scurve at equal distances along the curve;
// here each point's place on the curve is drawn, since row i of a sample depends on the key and i only.
// The law of one point is the same.
//
// Two real sets are embedded, [Digits] and [Penguins], each with a file that says where it comes from.
// [OpenCSV] and [OpenNPY] read one's own. They stream, believe nothing a file says about its size before
// the bytes are there, and refuse what cannot be learned from with one line that names file, row and
// column; such an error wraps [ErrData].
package dataset
