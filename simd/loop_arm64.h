// Arguments and loop of the elementwise kernels on arm64.
//
// R0, R1, R2, R3 point to the ends of dst, x, y, z; R5 to the constants; R4 counts bytes from -n·size up to 0.

#define PD 0
#define PX 1
#define PY 2
#define PZ 3

#define ARGS1 \
	MOVD dst+0(FP), R0; \
	MOVD x+8(FP), R1; \
	MOVD n+16(FP), R4; \
	MOVD k+24(FP), R5; \
	LSL $LOGSIZE, R4, R4; \
	ADD R4, R0, R0; \
	ADD R4, R1, R1; \
	NEG R4, R4

#define ARGS2 \
	MOVD dst+0(FP), R0; \
	MOVD x+8(FP), R1; \
	MOVD y+16(FP), R2; \
	MOVD n+24(FP), R4; \
	MOVD k+32(FP), R5; \
	LSL $LOGSIZE, R4, R4; \
	ADD R4, R0, R0; \
	ADD R4, R1, R1; \
	ADD R4, R2, R2; \
	NEG R4, R4

#define ARGS3 \
	MOVD dst+0(FP), R0; \
	MOVD x+8(FP), R1; \
	MOVD y+16(FP), R2; \
	MOVD z+24(FP), R3; \
	MOVD n+32(FP), R4; \
	MOVD k+40(FP), R5; \
	LSL $LOGSIZE, R4, R4; \
	ADD R4, R0, R0; \
	ADD R4, R1, R1; \
	ADD R4, R2, R2; \
	ADD R4, R3, R3; \
	NEG R4, R4

// ARGSMAX is ARGS1 for MAXBITS, whose dst is one vector.
#define ARGSMAX \
	ARGS1; \
	ADD R4, R0, R0

#define STEP \
	ADD $16, R4, R4; \
	CBNZ R4, loop

#define DONE RET

#define NEXT \
	STEP; \
	DONE
