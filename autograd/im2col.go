package autograd

import "pushforward/simd"

// im2col lays the patches of one image, [cg h w], out as columns: row (c, ky, kx) of dst holds, for
// each pixel of the result, what the kernel's entry (ky, kx) sees in channel c, 0 outside.
func im2col[F simd.Float](q convGeom, dst, x []F) {
	for c := range q.cg {
		img := x[c*q.h*q.w : (c+1)*q.h*q.w]
		for ky := range q.kh {
			ylo, yhi := within(q.h, q.oh, q.sh, ky*q.dh-q.ph)
			for kx := range q.kw {
				off := kx*q.dw - q.pw
				lo, hi := within(q.w, q.ow, q.sw, off)
				d := dst[:q.pix]
				dst = dst[q.pix:]
				clear(d[:ylo*q.ow])
				clear(d[yhi*q.ow:])
				if q.shifts() && ylo < yhi && lo < hi {
					// The plane moved by whole rows and off: one copy, then the columns that wrapped.
					from, to := ylo*q.w+lo, (yhi-1)*q.w+hi
					copy(d[from:to], img[from+(ky*q.dh-q.ph)*q.w+off:])
					for oy := ylo; oy < yhi; oy++ {
						clear(d[oy*q.w : oy*q.w+lo])
						clear(d[oy*q.w+hi : (oy+1)*q.w])
					}
					continue
				}
				for oy := ylo; oy < yhi; oy++ {
					row := d[oy*q.ow : (oy+1)*q.ow]
					src := img[(oy*q.sh+ky*q.dh-q.ph)*q.w:][:q.w]
					for i := range lo {
						row[i] = 0
					}
					if q.sw == 1 {
						copy(row[lo:hi], src[lo+off:])
					} else {
						for i := lo; i < hi; i++ {
							row[i] = src[i*q.sw+off]
						}
					}
					for i := hi; i < q.ow; i++ {
						row[i] = 0
					}
				}
			}
		}
	}
}

// col2im is the transpose of im2col: it adds every entry of the columns to the pixel it came from.
// It may write to cols.
func col2im[F simd.Float](k *simd.Kernels[F], q convGeom, dst, cols []F) {
	for c := range q.cg {
		img := dst[c*q.h*q.w : (c+1)*q.h*q.w]
		for ky := range q.kh {
			ylo, yhi := within(q.h, q.oh, q.sh, ky*q.dh-q.ph)
			for kx := range q.kw {
				off := kx*q.dw - q.pw
				lo, hi := within(q.w, q.ow, q.sw, off)
				s := cols[:q.pix]
				cols = cols[q.pix:]
				if q.shifts() && ylo < yhi && lo < hi {
					for oy := ylo; oy < yhi; oy++ { // what would wrap: cleared, since cols is scratch
						clear(s[oy*q.w : oy*q.w+lo])
						clear(s[oy*q.w+hi : (oy+1)*q.w])
					}
					from, to := ylo*q.w+lo, (yhi-1)*q.w+hi
					at := from + (ky*q.dh-q.ph)*q.w + off
					d := img[at : at+to-from]
					k.Add(d, d, s[from:to])
					continue
				}
				for oy := ylo; oy < yhi; oy++ {
					row := s[oy*q.ow+lo : oy*q.ow+hi]
					d := img[(oy*q.sh+ky*q.dh-q.ph)*q.w:][:q.w]
					if q.sw == 1 && len(row) > 0 {
						d = d[lo+off:][:len(row)]
						for i, v := range row {
							d[i] += v
						}
						continue
					}
					for i, v := range row {
						d[(lo+i)*q.sw+off] += v
					}
				}
			}
		}
	}
}

// shifts reports whether a row of the columns is the plane shifted: stride 1, width kept.
func (q convGeom) shifts() bool { return q.sh == 1 && q.sw == 1 && q.ow == q.w }

// within returns the range of i in [0, out) with 0 ≤ i·stride + off < n.
func within(n, out, stride, off int) (lo, hi int) {
	if off < 0 {
		lo = (-off + stride - 1) / stride
	}
	if n > off {
		hi = min(out, (n-off+stride-1)/stride)
	}
	return min(lo, hi), hi
}
