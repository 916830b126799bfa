// Arguments and loop of the elementwise kernels on amd64.
//
// DI, SI, DX, R8 point to the ends of dst, x, y, z; R9 to the constants; CX counts bytes from -n·size up to 0.

#define PD (DI)(CX*1)
#define PX (SI)(CX*1)
#define PY (DX)(CX*1)
#define PZ (R8)(CX*1)

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
