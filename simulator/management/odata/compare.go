package odata

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"time"
)

// typ is the type of an operand; empty for null.
func (o operand) typ() Type {
	if o.property != nil {
		return o.property.Type
	}
	switch o.value.(type) {
	case string:
		return String
	case bool:
		return Boolean
	case int64:
		return Int64
	case time.Time:
		return DateTime
	case []byte:
		return Binary
	}
	return ""
}

// describe names an operand in an error.
func (o operand) describe() string {
	switch {
	case o.property != nil:
		return fmt.Sprintf("%s (%s)", o.property.Name, o.property.Type)
	case o.value == nil:
		return "null"
	}
	return "a value of type " + string(o.typ())
}

// family joins the types whose values can be compared.
func family(t Type) Type {
	switch t {
	case Int32:
		return Int64
	case DateTimeOffset:
		return DateTime
	}
	return t
}

// fit tells whether two operands can be compared.
func fit(a, b operand) bool {
	ta, tb := family(a.typ()), family(b.typ())
	return ta == "" || tb == "" || ta == tb
}

// compare orders two values of the same family; null comes before all others.
func compare(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b)
		}
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
	case bool:
		if b, ok := b.(bool); ok && a != b {
			if b {
				return -1
			}
			return 1
		} else if ok {
			return 0
		}
	case time.Time:
		if b, ok := b.(time.Time); ok {
			// Milliseconds are what the interface shows.
			return cmp.Compare(a.UnixMilli(), b.UnixMilli())
		}
	case []byte:
		if b, ok := b.([]byte); ok {
			return bytes.Compare(a, b)
		}
	}
	return 1 // cannot be: types were compared when the filter was read
}
