// Arguments and loop of the elementwise kernels on amd64.
//
// DI, SI, DX, R8, R10 point to the ends of dst, x, y, z, w; R9 to the constants; CX counts bytes from -n·size up to 0.

#define PD (DI)(CX*1)
#define PX (SI)(CX*1)
#define PY (DX)(CX*1)
#define PZ (R8)(CX*1)
#define PW (R10)(CX*1)

#define ARGS1 \
	MOVQ dst+0(FP), DI; \
	MOVQ x+8(FP), SI; \
	MOVQ n+16(FP), CX; \
	MOVQ k+24(FP), R9; \
	SHLQ $LOGSIZE, CX; \
	ADDQ CX, DI; \
	ADDQ CX, SI; \
	NEGQ CX

#define ARGS2 \
	MOVQ dst+0(FP), DI; \
	MOVQ x+8(FP), SI; \
	MOVQ y+16(FP), DX; \
	MOVQ n+24(FP), CX; \
	MOVQ k+32(FP), R9; \
	SHLQ $LOGSIZE, CX; \
	ADDQ CX, DI; \
	ADDQ CX, SI; \
	ADDQ CX, DX; \
	NEGQ CX

#define ARGS3 \
	MOVQ dst+0(FP), DI; \
	MOVQ x+8(FP), SI; \
	MOVQ y+16(FP), DX; \
	MOVQ z+24(FP), R8; \
	MOVQ n+32(FP), CX; \
	MOVQ k+40(FP), R9; \
	SHLQ $LOGSIZE, CX; \
	ADDQ CX, DI; \
	ADDQ CX, SI; \
	ADDQ CX, DX; \
	ADDQ CX, R8; \
	NEGQ CX

#define ARGS4 \
	MOVQ dst+0(FP), DI; \
	MOVQ x+8(FP), SI; \
	MOVQ y+16(FP), DX; \
	MOVQ z+24(FP), R8; \
	MOVQ w+32(FP), R10; \
	MOVQ n+40(FP), CX; \
	MOVQ k+48(FP), R9; \
	SHLQ $LOGSIZE, CX; \
	ADDQ CX, DI; \
	ADDQ CX, SI; \
	ADDQ CX, DX; \
	ADDQ CX, R8; \
	ADDQ CX, R10; \
	NEGQ CX

// ARGSMAX is ARGS1 for MAXBITS, whose dst is one vector.
#define ARGSMAX \
	ARGS1; \
	ADDQ CX, DI

#define STEP \
	ADDQ $BYTES, CX; \
	JNE loop

#define DONE \
	VZEROUPPER; \
	RET

#define NEXT \
	STEP; \
	DONE

// Reductions: DI points to the 32 lanes, which wait in registers.
#define ARGSSUM ARGSMAX

#define ARGSDOT \
	ARGS2; \
	ADDQ CX, DI

// STEP32 moves on by 32 elements.
#define STEP32 \
	ADDQ $(32<<LOGSIZE), CX; \
	JNE loop

// COMBINE: dst = y + h·Σ c[j]·k[j]. DI, SI, DX are dst, y, h; R9 the coefficients as a table; R8 the m pointers of
// k; CX counts bytes from 0 to R12, BX counts j.
#define COMBINE \
	MOVQ dst+0(FP), DI; \
	MOVQ y+8(FP), SI; \
	MOVQ h+16(FP), DX; \
	MOVQ n+24(FP), R12; \
	MOVQ c+32(FP), R9; \
	MOVQ k+40(FP), R8; \
	MOVQ m+48(FP), R11; \
	SHLQ $LOGSIZE, R12; \
	XORL CX, CX; \
loop: \
	vZERO(A0); \
	MOVQ R9, R10; \
	XORL BX, BX; \
slope: \
	MOVQ (R8)(BX*8), AX; \
	vLOAD((AX)(CX*1), A1); \
	vFMAC(A1, A0); \
	ADDQ $CBYTES, R10; \
	INCQ BX; \
	CMPQ BX, R11; \
	JLT slope; \
	vLOAD(PX, A1); \
	vLOAD(PY, A2); \
	vFMA(A0, A2, A1); \
	vSTORE(A1, PD); \
	ADDQ $BYTES, CX; \
	CMPQ CX, R12; \
	JLT loop; \
	DONE

// ADDROW: dst[i·stride+j] = x[i·stride+j] + row[j] for j < n, rows times. DI, SI are dst, x at the end of a row's n;
// DX the end of row.
#define ADDROW \
	MOVQ dst+0(FP), DI; \
	MOVQ x+8(FP), SI; \
	MOVQ row+16(FP), DX; \
	MOVQ n+24(FP), R12; \
	MOVQ rows+32(FP), R10; \
	MOVQ stride+40(FP), R11; \
	SHLQ $LOGSIZE, R12; \
	SHLQ $LOGSIZE, R11; \
	ADDQ R12, DI; \
	ADDQ R12, SI; \
	ADDQ R12, DX; \
	NEGQ R12; \
row: \
	MOVQ R12, CX; \
loop: \
	vLOAD(PX, A0); \
	vLOAD(PY, A1); \
	vADD(A0, A1, A0); \
	vSTORE(A0, PD); \
	STEP; \
	ADDQ R11, DI; \
	ADDQ R11, SI; \
	DECQ R10; \
	JNE row; \
	DONE

// ADDROWS: dst[j] += x[i·stride+j] for i < rows, j < n. DI is dst, SI a column of x; four vectors at a time wait in
// registers, then one.
#define ADDROWS \
	MOVQ dst+0(FP), DI; \
	MOVQ x+8(FP), R8; \
	MOVQ n+16(FP), R12; \
	MOVQ rows+24(FP), R10; \
	MOVQ stride+32(FP), R11; \
	SHLQ $LOGSIZE, R12; \
	SHLQ $LOGSIZE, R11; \
	SUBQ $(4*BYTES), R12; \
	JLT narrow; \
wide: \
	vLOAD((DI), A0); \
	vLOAD((1*BYTES)(DI), A1); \
	vLOAD((2*BYTES)(DI), A2); \
	vLOAD((3*BYTES)(DI), A3); \
	MOVQ R8, SI; \
	MOVQ R10, CX; \
rows4: \
	vADDM((SI), A0); \
	vADDM((1*BYTES)(SI), A1); \
	vADDM((2*BYTES)(SI), A2); \
	vADDM((3*BYTES)(SI), A3); \
	ADDQ R11, SI; \
	DECQ CX; \
	JNE rows4; \
	vSTORE(A0, (DI)); \
	vSTORE(A1, (1*BYTES)(DI)); \
	vSTORE(A2, (2*BYTES)(DI)); \
	vSTORE(A3, (3*BYTES)(DI)); \
	ADDQ $(4*BYTES), DI; \
	ADDQ $(4*BYTES), R8; \
	SUBQ $(4*BYTES), R12; \
	JGE wide; \
narrow: \
	ADDQ $(4*BYTES), R12; \
	JEQ done; \
one: \
	vLOAD((DI), A0); \
	MOVQ R8, SI; \
	MOVQ R10, CX; \
rows1: \
	vADDM((SI), A0); \
	ADDQ R11, SI; \
	DECQ CX; \
	JNE rows1; \
	vSTORE(A0, (DI)); \
	ADDQ $BYTES, DI; \
	ADDQ $BYTES, R8; \
	SUBQ $BYTES, R12; \
	JNE one; \
done: \
	DONE

// LANES leads back to the first lane, where the loop has moved on.
#define LANES

// Box–Muller in float32: runs of 16 and 16. DI, R8 and SI, DX point to the ends of the two runs of dst and x.
#define ARGSBOX32 \
	ARGS1; \
	LEAQ 64(DI), R8; \
	LEAQ 64(SI), DX

#define NEXTBOX32 \
	ADDQ $BYTES, CX; \
	TESTQ $64, CX; \
	JEQ loop; \
	ADDQ $64, CX; \
	JNE loop; \
	DONE

// In float64: the words of x are at SI + R10, in four runs of 16; the two runs of dst at DI, R8.
#define ARGSBOX64 \
	ARGS1; \
	LEAQ 128(DI), R8; \
	MOVQ CX, R10

#define NEXTBOX64 \
	ADDQ $(BYTES/2), R10; \
	ADDQ $BYTES, CX; \
	TESTQ $128, CX; \
	JEQ loop; \
	ADDQ $192, R10; \
	ADDQ $128, CX; \
	JNE loop; \
	DONE
