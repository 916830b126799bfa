package simd

import "reflect"

// byName1 returns the kernel of one argument with this name.
func byName1[F Float](k *Kernels[F], name string) func(dst, x []F) {
	return reflect.ValueOf(k).Elem().FieldByName(name).Interface().(func(dst, x []F))
}
