// Package reference helps the tests of cfm and its leaves to read files of reference cases.
package reference

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Decode decodes raw into v, a pointer, and lists the figures of raw that v has no field for, named from name on: they would
// go unchecked.
func Decode(raw []byte, v any, name string) (unknown []string, err error) {
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var all any
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return unread(all, reflect.TypeOf(v), name), nil
}

// unread lists what raw, a decoded reference file, holds besides text and into has no field for: figures that would
// otherwise go unchecked.
func unread(raw any, into reflect.Type, at string) (names []string) {
	for into.Kind() == reflect.Pointer {
		into = into.Elem()
	}
	switch v := raw.(type) {
	case []any:
		if into.Kind() == reflect.Slice {
			for i, e := range v {
				names = append(names, unread(e, into.Elem(), fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
	case map[string]any:
		if into.Kind() != reflect.Struct {
			return nil
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			f, ok := into.FieldByNameFunc(func(field string) bool {
				f, _ := into.FieldByName(field)
				tag := f.Tag.Get("json")
				return tag == name || tag == "" && !f.Anonymous && strings.EqualFold(field, name)
			})
			if _, text := v[name].(string); ok {
				names = append(names, unread(v[name], f.Type, at+"."+name)...)
			} else if !text {
				names = append(names, at+"."+name)
			}
		}
	}
	return names
}
