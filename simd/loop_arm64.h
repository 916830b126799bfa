// Arguments and loop of the elementwise kernels on arm64.
//
// R0, R1, R2, R3, R6 point to the ends of dst, x, y, z, w; R5 to the constants; R4 counts bytes from -n·size up to 0.

#define PD 0
#define PX 1
#define PY 2
#define PZ 3
#define PW 6

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

#define ARGS4 \
	MOVD dst+0(FP), R0; \
	MOVD x+8(FP), R1; \
	MOVD y+16(FP), R2; \
	MOVD z+24(FP), R3; \
	MOVD w+32(FP), R6; \
	MOVD n+40(FP), R4; \
	MOVD k+48(FP), R5; \
	LSL $LOGSIZE, R4, R4; \
	ADD R4, R0, R0; \
	ADD R4, R1, R1; \
	ADD R4, R2, R2; \
	ADD R4, R3, R3; \
	ADD R4, R6, R6; \
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

// Reductions: R0 points to the 32 lanes, R1 and R2 to x and y, and all move on as they are read. R4 counts elements.
#define ARGSSUM \
	MOVD dst+0(FP), R0; \
	MOVD R0, R6; \
	MOVD x+8(FP), R1; \
	MOVD n+16(FP), R4

#define ARGSDOT \
	MOVD dst+0(FP), R0; \
	MOVD R0, R6; \
	MOVD x+8(FP), R1; \
	MOVD y+16(FP), R2; \
	MOVD n+24(FP), R4

#define STEP32 \
	SUB $32, R4, R4; \
	CBNZ R4, loop

// LANES leads back to the first lane, where the loop has moved on.
#define LANES MOVD R6, R0

// COMBINE: dst = y + h·Σ c[j]·k[j]. R0, R1, R2 are dst, y, h; R5 the coefficients as a table; R7 the m pointers of k;
// R4 counts bytes from 0 to R9.
#define COMBINE \
	MOVD dst+0(FP), R0; \
	MOVD y+8(FP), R1; \
	MOVD h+16(FP), R2; \
	MOVD n+24(FP), R9; \
	MOVD c+32(FP), R5; \
	MOVD k+40(FP), R7; \
	MOVD m+48(FP), R8; \
	LSL $LOGSIZE, R9, R9; \
	MOVD $0, R4; \
loop: \
	vXOR(A0, A0, A0); \
	MOVD R5, R10; \
	MOVD R7, R11; \
	MOVD R8, R12; \
slope: \
	MOVD.P 8(R11), R3; \
	vLOAD(PZ, A1); \
	vNEXT(10, A2); \
	vFMA(A1, A2, A0); \
	SUB $1, R12, R12; \
	CBNZ R12, slope; \
	vLOAD(PX, A1); \
	vLOAD(PY, A2); \
	vFMA(A0, A2, A1); \
	vSTORE(A1, PD); \
	ADD $16, R4, R4; \
	CMP R9, R4; \
	BLT loop; \
	DONE

// ADDROW: dst[i·stride+j] = x[i·stride+j] + row[j] for j < n, rows times. R0, R1 are dst, x at the end of a row's n;
// R2 the end of row.
#define ADDROW \
	MOVD dst+0(FP), R0; \
	MOVD x+8(FP), R1; \
	MOVD row+16(FP), R2; \
	MOVD n+24(FP), R9; \
	MOVD rows+32(FP), R7; \
	MOVD stride+40(FP), R8; \
	LSL $LOGSIZE, R9, R9; \
	LSL $LOGSIZE, R8, R8; \
	ADD R9, R0, R0; \
	ADD R9, R1, R1; \
	ADD R9, R2, R2; \
	NEG R9, R9; \
row: \
	MOVD R9, R4; \
loop: \
	vLOAD(PX, A0); \
	vLOAD(PY, A1); \
	vADD(A0, A1, A0); \
	vSTORE(A0, PD); \
	STEP; \
	ADD R8, R0, R0; \
	ADD R8, R1, R1; \
	SUB $1, R7, R7; \
	CBNZ R7, row; \
	DONE

// ADDROWS: dst[j] += x[i·stride+j] for i < rows, j < n. R0 is the end of dst, R1 of a row of x.
#define ADDROWS \
	MOVD dst+0(FP), R0; \
	MOVD x+8(FP), R3; \
	MOVD n+16(FP), R4; \
	MOVD rows+24(FP), R7; \
	MOVD stride+32(FP), R8; \
	LSL $LOGSIZE, R4, R4; \
	LSL $LOGSIZE, R8, R8; \
	ADD R4, R0, R0; \
	ADD R4, R3, R3; \
	NEG R4, R4; \
loop: \
	vLOAD(PD, A0); \
	MOVD R3, R1; \
	MOVD R7, R9; \
row: \
	vLOAD(PX, A1); \
	vADD(A0, A1, A0); \
	ADD R8, R1, R1; \
	SUB $1, R9, R9; \
	CBNZ R9, row; \
	vSTORE(A0, PD); \
	NEXT

// Box–Muller in float32: runs of 16 and 16. R0, R3 and R1, R2 point to the ends of the two runs of dst and x.
#define ARGSBOX32 \
	ARGS1; \
	ADD $64, R0, R3; \
	ADD $64, R1, R2

#define NEXTBOX32 \
	ADD $16, R4, R4; \
	TST $64, R4; \
	BEQ loop; \
	ADD $64, R4, R4; \
	CBNZ R4, loop; \
	DONE

// In float64: the words of x are at R10, in four runs of 16; the two runs of dst at R0, R3.
#define ARGSBOX64 \
	ARGS1; \
	ADD $128, R0, R3; \
	ADD R4, R1, R10

#define NEXTBOX64 \
	ADD $8, R10, R10; \
	ADD $16, R4, R4; \
	TST $128, R4; \
	BEQ loop; \
	ADD $192, R10, R10; \
	ADD $128, R4, R4; \
	CBNZ R4, loop; \
	DONE
