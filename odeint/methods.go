package odeint

// The methods. A new one is a new table; nothing else changes.
var (
	// Euler is yⁿ⁺¹ = yⁿ + h·f, of order 1, for fixed steps.
	Euler = &Tableau{
		Name: "euler", Order: 1,
		C: []float64{0}, A: [][]float64{{}}, B: []float64{1},
	}

	// Midpoint is the second-order method of one trial step to the middle, for fixed steps.
	Midpoint = &Tableau{
		Name: "midpoint", Order: 2,
		C: []float64{0, 1. / 2}, A: [][]float64{{}, {1. / 2}}, B: []float64{0, 1},
	}

	// Heun is the trapezoidal method of order 2, with Euler's step as its error estimate.
	Heun = &Tableau{
		Name: "heun", Order: 2,
		C: []float64{0, 1}, A: [][]float64{{}, {1}}, B: []float64{1. / 2, 1. / 2},
		E: []float64{-1. / 2, 1. / 2},
	}

	// RK4 is the classic method of order 4, for fixed steps.
	RK4 = &Tableau{
		Name: "rk4", Order: 4,
		C: []float64{0, 1. / 2, 1. / 2, 1},
		A: [][]float64{{}, {1. / 2}, {0, 1. / 2}, {0, 0, 1}},
		B: []float64{1. / 6, 1. / 3, 1. / 3, 1. / 6},
	}

	// RK38 is Kutta's 3/8 rule of order 4, for fixed steps. It is what torchdiffeq calls rk4.
	RK38 = &Tableau{
		Name: "rk4-38", Order: 4,
		C: []float64{0, 1. / 3, 2. / 3, 1},
		A: [][]float64{{}, {1. / 3}, {-1. / 3, 1}, {1, -1, 1}},
		B: []float64{1. / 8, 3. / 8, 3. / 8, 1. / 8},
	}

	// Bosh3 is the pair of order 3(2) of Bogacki and Shampine (1989).
	Bosh3 = &Tableau{
		Name: "bosh3", Order: 3,
		C:    []float64{0, 1. / 2, 3. / 4, 1},
		A:    [][]float64{{}, {1. / 2}, {0, 3. / 4}, {2. / 9, 1. / 3, 4. / 9}},
		B:    []float64{2. / 9, 1. / 3, 4. / 9, 0},
		E:    []float64{-5. / 72, 1. / 12, 1. / 9, -1. / 8},
		Stab: 2.513,
	}

	// Dopri5 is the pair of order 5(4) of Dormand and Prince (1980) with their own error estimate (not
	// Shampine's, which is two thirds of it and which torchdiffeq and diffrax use) and Hairer's
	// continuous extension of order 4 (Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations
	// I, II.5 and II.6).
	Dopri5 = &Tableau{
		Name: "dopri5", Order: 5,
		C: dopri5C, A: dopri5A, B: dopri5B,
		E:    []float64{71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40},
		P:    hermite(dopri5B, dopri5D, 6),
		Stab: 3.307,
	}

	// Tsit5 is the pair of order 5(4) of Tsitouras (2011), with its continuous extension of order 4.
	Tsit5 = &Tableau{
		Name: "tsit5", Order: 5,
		C: tsit5C, A: tsit5A, B: tsit5A[6],
		E:    tsit5E,
		P:    tsit5P(),
		Stab: 3.507,
	}

	// Bosh5 is the pair of order 5(4) of Bogacki and Shampine (1996): eight stages, the last of them the next
	// step's first. Its fifth-order result errs far less than the other two pairs', so that at rough tolerances
	// its steps are worth their seventh evaluation. The continuous extension of order 4 is this package's own: of
	// the quartics that need no further stage, the one that errs least at order five.
	Bosh5 = &Tableau{
		Name: "bosh5", Order: 5,
		C: []float64{0, 1. / 6, 2. / 9, 3. / 7, 2. / 3, 3. / 4, 1, 1}, A: bosh5A, B: bosh5B,
		E: []float64{3817. / 1959552, 0, -140181. / 15491840, 4224731. / 272937600, -8557. / 403200, 57928. / 4363065,
			23930231. / 4366535040, -3293. / 556956},
		P:    hermite(bosh5B, bosh5D, 7),
		Stab: 3.988,
	}
)

// Methods lists the methods of this package, lowest order first.
func Methods() []*Tableau {
	return []*Tableau{Euler, Midpoint, Heun, Bosh3, RK4, RK38, Dopri5, Tsit5, Bosh5, Dop853}
}

// Method returns the method of that name among Methods.
func Method(name string) (m *Tableau, ok bool) {
	for _, m := range Methods() {
		if m.Name == name {
			return m, true
		}
	}
	return nil, false
}

var (
	dopri5C = []float64{0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1}
	dopri5A = [][]float64{
		{},
		{1. / 5},
		{3. / 40, 9. / 40},
		{44. / 45, -56. / 15, 32. / 9},
		{19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
		{9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
		{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84},
	}
	dopri5B = []float64{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0}
	// Hairer's d₁ … d₇ of the continuous extension.
	dopri5D = []float64{
		-12715105075. / 11282082432, 0, 87487479700. / 32700410799, -10690763975. / 1880347072,
		701980252875. / 199316789632, -1453857185. / 822651844, 69997945. / 29380423,
	}
)

var (
	bosh5A = [][]float64{
		{},
		{1. / 6},
		{2. / 27, 4. / 27},
		{183. / 1372, -162. / 343, 1053. / 1372},
		{68. / 297, -4. / 11, 42. / 143, 1960. / 3861},
		{597. / 22528, 81. / 352, 63099. / 585728, 58653. / 366080, 4617. / 20480},
		{174197. / 959244, -30942. / 79937, 8152137. / 19744439, 666106. / 1039181, -29421. / 29068, 482048. / 414219},
		{587. / 8064, 0, 4440339. / 15491840, 24353. / 124800, 387. / 44800, 2152. / 5985, 7267. / 94080},
	}
	bosh5B = []float64{587. / 8064, 0, 4440339. / 15491840, 24353. / 124800, 387. / 44800, 2152. / 5985, 7267. / 94080, 0}
	bosh5D = []float64{
		-59873. / 43008, 0, 6047541. / 2609152, 52969. / 99840, -24741. / 143360, -21. / 8, -7267. / 6272, 5. / 2,
	}
)

// Tsitouras published decimals; these have as many digits as a float64 can use.
var (
	tsit5C = []float64{0, 0.161, 0.327, 0.9, 0.9800255409045096857298102862870245954942, 1, 1}
	tsit5A = [][]float64{
		{},
		{0.161},
		{-0.008480655492356988544426874250230774675121, 0.3354806554923569885444268742502307746751},
		{2.897153057105493432130432594192938764925, -6.359448489975074843148159912383825625953, 4.362295432869581411017727318190886861028},
		{5.325864828439256604428877920840511317836, -11.74888356406282787774717033978577296189, 7.495539342889836208304604784564358155659,
			-0.09249506636175524925650207933207191611350},
		{5.861455442946420028659251486982647890394, -12.92096931784710929170611868178335939542, 8.159367898576158643180400794539253485182,
			-0.07158497328140099722453054252582973869127, -0.02826905039406838290900305721271224146718},
		{0.09646076681806522951816731316512876333712, 0.01, 0.4798896504144995747752495322905965199130,
			1.379008574103741893192274821856872770756, -3.290069515436080679901047585711363850116, 2.324710524099773982415355918398765796109, 0},
	}
	tsit5E = []float64{
		0.09646076681806522951816731316512876333712 - 0.09468075576583945807478876255758922856118,
		0.01 - 0.009183565540343253096776363936645313759814,
		0.4798896504144995747752495322905965199130 - 0.4877705284247615707855642599631228241517,
		1.379008574103741893192274821856872770756 - 1.234297566930478985655109673884237654036,
		-3.290069515436080679901047585711363850116 + 2.707712349983525454881109975059321670690,
		2.324710524099773982415355918398765796109 - 1.866628418170587035753719399566211498666,
		-1. / 66,
	}
)

// tsit5P expands the polynomials of Tsitouras' continuous extension, which he gives in factors.
func tsit5P() [][]float64 {
	// s·θ²·(θ² + pθ + q) is {0, s·q, s·p, s}.
	quad := func(s, p, q float64) []float64 { return []float64{0, s * q, s * p, s} }
	roots := func(s, r1, r2 float64) []float64 { return quad(s, -(r1 + r2), r1*r2) }
	const s, r, p, q = -1.0530884977290216, 1.3299890189751412, -1.4364028541716351, 0.7139816917074209
	return [][]float64{
		{-s * r * q, s * (q - r*p), s * (p - r), s}, // s·θ·(θ-r)·(θ²+pθ+q)
		quad(0.1017, -2.1966568338249754, 1.2949852507374631),
		quad(2.490627285651252793, -2.38535645472061657, 1.57803468208092486),
		roots(-16.54810288924490272, 1.21712927295533244, 0.61620406037800089),
		roots(47.37952196281928122, 1.203071208372362603, 0.658047292653547382),
		roots(-34.87065786149660974, 1.2, 2./3),
		roots(2.5, 1, 0.6),
	}
}
