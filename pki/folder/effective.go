package folder

import (
	"crypto/x509"
	"reflect"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
)

// effective is each description with all that it inherits from the entry that it is like, by
// name. The descriptions are valid.
func effective(all []pki.Description) map[string]pki.Description {
	index := make(map[string]int, len(all))
	for i, d := range all {
		index[d.Name] = i
	}
	out := make(map[string]pki.Description, len(all))
	for _, d := range all {
		// The way up to an entry that is known already, without recursion: it may be long.
		var way []pki.Description
		for one := d; ; one = all[index[one.Like]] {
			if _, known := out[one.Name]; known {
				break
			}
			way = append(way, one)
			if one.Like == "" {
				break
			}
		}
		for i := len(way) - 1; i >= 0; i-- {
			own := way[i]
			if own.Like != "" {
				own = inherit(own, out[own.Like])
			}
			out[own.Name] = own
		}
	}
	return out
}

// inherit fills in what the description does not give. A serial number and a key are never
// inherited. Like stays only where what is inherited stands in a file.
func inherit(d, from pki.Description) pki.Description {
	out := from
	out.Name, out.Serial, out.KeyFile, out.Like = d.Name, d.Serial, d.KeyFile, ""
	if from.File != "" || from.Like != "" {
		out.Like = d.Like
	}
	out.File = ""
	own, result := reflect.ValueOf(d), reflect.ValueOf(&out).Elem()
	for i := range own.NumField() {
		switch own.Type().Field(i).Name {
		case "Like", "Export", "NotAfter", "ValidFor":
			continue
		}
		if value := own.Field(i); !value.IsZero() {
			result.Field(i).Set(value)
		}
	}
	if !d.NotAfter.IsZero() || !d.ValidFor.IsZero() {
		out.NotAfter, out.ValidFor = d.NotAfter, d.ValidFor
	}
	if d.Export.Formats != nil {
		out.Export.Formats = d.Export.Formats
	}
	if d.Export.Alias != "" {
		out.Export.Alias = d.Export.Alias
	}
	if d.Export.PasswordEnv != "" || d.Export.PasswordFile != "" {
		out.Export.PasswordEnv, out.Export.PasswordFile = d.Export.PasswordEnv, d.Export.PasswordFile
	}
	return out
}

// emptyLists names the lists that are there and empty, as a document has them.
func emptyLists(d pki.Description) []string {
	var out []string
	value := reflect.ValueOf(d)
	for i := range value.NumField() {
		if f := value.Field(i); f.Kind() == reflect.Slice && !f.IsNil() && f.Len() == 0 {
			out = append(out, keyOf(value.Type().Field(i)))
		}
	}
	return out
}

// fillEmpty puts empty lists where emptyLists found them.
func fillEmpty(d *pki.Description, names []string) {
	value := reflect.ValueOf(d).Elem()
	for i := range value.NumField() {
		if f := value.Field(i); f.Kind() == reflect.Slice && f.IsNil() && slices.Contains(names, keyOf(value.Type().Field(i))) {
			f.Set(reflect.MakeSlice(f.Type(), 0, 0))
		}
	}
}

func keyOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// changedFields lists the fields, as a document has them, in which two descriptions differ: those
// that make another certificate, and whether the exports do.
func changedFields(a, b pki.Description) (fields []string, export bool) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		// Dates are compared by what they mean; all else is plain data.
		if reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) || bothEmpty(x.Field(i), y.Field(i)) {
			continue
		}
		name := keyOf(x.Type().Field(i))
		if name == "export" {
			export = true
		} else {
			fields = append(fields, name)
		}
	}
	return fields, export
}

// bothEmpty forgives that one empty value is nil and the other is not where that means the same.
// For lists it does not: an empty one takes an extension away.
func bothEmpty(a, b reflect.Value) bool {
	return a.Kind() != reflect.Slice && a.IsZero() && b.IsZero()
}

// phase is where a moment lies in a validity.
type phase int

const (
	during phase = iota
	before
	after
)

func phaseAt(c *x509.Certificate, at time.Time) phase {
	switch {
	case at.Before(c.NotBefore):
		return before
	case !at.Before(c.NotAfter): // the last second is over with the run that mints it
		return after
	default:
		return during
	}
}

// datesAreFixed tells whether the end (or the beginning) does not depend on when the certificate
// is minted, so that minting it again would change nothing.
func datesAreFixed(d pki.Description, now phase) bool {
	fixed := func(m pki.Moment) bool { return !m.IsZero() && !m.IsRelative() }
	if now == after {
		return fixed(d.NotAfter) || fixed(d.NotBefore) && !d.ValidFor.IsZero()
	}
	return fixed(d.NotBefore)
}
