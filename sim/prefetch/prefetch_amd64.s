//go:build !purego

#include "textflag.h"

// func Lines(p unsafe.Pointer, n int)
TEXT ·Lines(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), AX
	MOVQ n+8(FP), CX
	SUBQ $4, CX
	JL   rest

four:
	PREFETCHT0 (AX)
	PREFETCHT0 64(AX)
	PREFETCHT0 128(AX)
	PREFETCHT0 192(AX)
	ADDQ $256, AX
	SUBQ $4, CX
	JGE  four

rest:
	ADDQ $4, CX
	JZ   done

one:
	PREFETCHT0 (AX)
	ADDQ $64, AX
	DECQ CX
	JG   one

done:
	RET

// func Three(a, b, c unsafe.Pointer)
TEXT ·Three(SB), NOSPLIT, $0-24
	MOVQ a+0(FP), AX
	MOVQ b+8(FP), BX
	MOVQ c+16(FP), CX
	PREFETCHT0 (AX)
	PREFETCHT0 (BX)
	PREFETCHT0 (CX)
	RET

// func Rows(base unsafe.Pointer, rows *uint8, n int)
TEXT ·Rows(SB), NOSPLIT, $0-24
	MOVQ base+0(FP), AX
	MOVQ rows+8(FP), BX
	MOVQ n+16(FP), CX

row:
	MOVBLZX (BX), DX
	SHLL $7, DX
	PREFETCHT0 (AX)(DX*1)
	PREFETCHT0 64(AX)(DX*1)
	INCQ BX
	DECQ CX
	JG   row
	RET
