//go:build !purego

#include "textflag.h"

// A chain of fused multiply-adds on registers alone, as in peak_amd64.s. Sixteen chains hide a latency of four
// cycles with four units. Every value stays at 0·0 + 0 = 0.
//
// Registers: R0 rounds left; V0…V15 the chains; V16, V17 zeros.

// LOOP is n rounds of sixteen FMAs on vectors of arrangement T.
#define LOOP(T) \
	MOVD n+0(FP), R0 \
	VEOR V0.B16, V0.B16, V0.B16 \
	VEOR V1.B16, V1.B16, V1.B16 \
	VEOR V2.B16, V2.B16, V2.B16 \
	VEOR V3.B16, V3.B16, V3.B16 \
	VEOR V4.B16, V4.B16, V4.B16 \
	VEOR V5.B16, V5.B16, V5.B16 \
	VEOR V6.B16, V6.B16, V6.B16 \
	VEOR V7.B16, V7.B16, V7.B16 \
	VEOR V8.B16, V8.B16, V8.B16 \
	VEOR V9.B16, V9.B16, V9.B16 \
	VEOR V10.B16, V10.B16, V10.B16 \
	VEOR V11.B16, V11.B16, V11.B16 \
	VEOR V12.B16, V12.B16, V12.B16 \
	VEOR V13.B16, V13.B16, V13.B16 \
	VEOR V14.B16, V14.B16, V14.B16 \
	VEOR V15.B16, V15.B16, V15.B16 \
	VEOR V16.B16, V16.B16, V16.B16 \
	VEOR V17.B16, V17.B16, V17.B16 \
loop: \
	VFMLA V16.T, V17.T, V0.T \
	VFMLA V16.T, V17.T, V1.T \
	VFMLA V16.T, V17.T, V2.T \
	VFMLA V16.T, V17.T, V3.T \
	VFMLA V16.T, V17.T, V4.T \
	VFMLA V16.T, V17.T, V5.T \
	VFMLA V16.T, V17.T, V6.T \
	VFMLA V16.T, V17.T, V7.T \
	VFMLA V16.T, V17.T, V8.T \
	VFMLA V16.T, V17.T, V9.T \
	VFMLA V16.T, V17.T, V10.T \
	VFMLA V16.T, V17.T, V11.T \
	VFMLA V16.T, V17.T, V12.T \
	VFMLA V16.T, V17.T, V13.T \
	VFMLA V16.T, V17.T, V14.T \
	VFMLA V16.T, V17.T, V15.T \
	SUBS $1, R0, R0 \
	BNE  loop \
	RET

// func fma32NEON(n int)
//
// n rounds of 16 FMLA of 4 lanes: 128·n operations.
TEXT ·fma32NEON(SB), NOSPLIT, $0-8
	LOOP(S4)

// func fma64NEON(n int)
//
// n rounds of 16 FMLA of 2 lanes: 64·n operations.
TEXT ·fma64NEON(SB), NOSPLIT, $0-8
	LOOP(D2)
