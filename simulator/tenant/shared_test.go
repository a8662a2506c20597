package tenant

import (
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fill sets everything in v that can be reached, to values that differ by n.
func fill(v reflect.Value, n int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("text", n))
	case reflect.Bool:
		v.SetBool(n%2 == 1)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Uint8:
		v.SetUint(uint64(n))
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		}
		for i := range v.Len() {
			fill(v.Index(i), n+i)
		}
	case reflect.Map:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		item := reflect.New(v.Type().Elem()).Elem()
		fill(item, n)
		v.SetMapIndex(reflect.ValueOf("key"), item)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(noon.AddDate(0, 0, n)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		panic("nothing is known of " + v.Kind().String())
	}
}

// Whatever a configuration will hold: its clone has it all, and shares nothing with it.
func TestACloneSharesNothing(t *testing.T) {
	for _, value := range []any{&Config{}, &Artifact{}, &Channel{}, &Design{}} {
		t.Run(fmt.Sprintf("%T", value), func(t *testing.T) {
			original := reflect.ValueOf(value).Elem()
			want := reflect.New(original.Type()).Elem()
			fill(original, 1)
			fill(want, 1)
			var clone any
			switch v := value.(type) {
			case *Config:
				clone = v.clone()
			case *Artifact:
				clone = v.clone()
			case *Channel:
				clone = v.clone()
			case *Design:
				clone = v.clone()
			}
			assert.Equal(t, want.Interface(), clone)
			fill(original, 7)
			require.NotEqual(t, want.Interface(), original.Interface())
			assert.Equal(t, want.Interface(), clone, "changed with the original")
		})
	}
}

func TestDefaultsOfAnArtifact(t *testing.T) {
	assert.Equal(t, Artifact{ID: "a", Name: "a", Package: LandscapePackage, Version: DefaultVersion}, Artifact{ID: "a"}.withDefaults())
	given := Artifact{ID: "a", Name: "b", Package: "c", Version: "d"}
	assert.Equal(t, given, given.withDefaults())
}

// A changed map is one of its own, and counts what is in it.
func TestAShardedMapCounts(t *testing.T) {
	var empty sharded[int]
	e := empty.edit()
	e.put("a", 1)
	e.put("b", 2)
	e.put("a", 3)
	two := e.done()
	e = two.edit()
	e.remove("none")
	e.remove("a")
	e.remove("a")
	one := e.done()
	for name, row := range map[string]struct {
		m    sharded[int]
		want map[string]int
	}{"empty": {empty, map[string]int{}}, "two": {two, map[string]int{"a": 3, "b": 2}}, "one": {one, map[string]int{"b": 2}}} {
		assert.Equal(t, row.want, maps.Collect(row.m.all()), name)
		assert.Equal(t, len(row.want), row.m.count, name)
		for _, key := range []string{"a", "b", "none"} {
			want, there := row.want[key]
			got, ok := row.m.get(key)
			assert.Equal(t, there, ok, "%s %s", name, key)
			assert.Equal(t, want, got)
		}
	}
	for range two.all() {
		break // who has seen enough is not asked again
	}
}

// What has nothing to do with roles does not make them be worked out anew.
func TestRolesAreWorkedOutWhenTheyChange(t *testing.T) {
	tn := newTenant(t, good())
	before := tn.Snapshot().people
	require.NoError(t, tn.MapCertificate(der(77), "SOMEBODY"))
	assert.Same(t, before, tn.Snapshot().people)
	require.NoError(t, tn.Assign(Assignment{User: "SOMEBODY", Role: DefaultRole}))
	assert.NotSame(t, before, tn.Snapshot().people)
	assert.True(t, tn.Snapshot().Role("SOMEBODY", DefaultRole).Has)
}

func TestAChannelIsFoundByItsAddress(t *testing.T) {
	s := newTenant(t, good()).Snapshot()
	for _, address := range []string{"/http/orders", "/HTTP/ORDERS", "/cxf/Orders", "/http/all/*"} {
		c, ok := s.Channel(address)
		assert.True(t, ok, address)
		assert.NotEmpty(t, c.Address)
	}
	for _, address := range []string{"/http/none", "/cxf/ORDERS", "/http/all", ""} {
		c, ok := s.Channel(address)
		assert.False(t, ok, address)
		assert.Empty(t, c)
	}
}

func TestNamesThatDoNotDecodeAreInNoTable(t *testing.T) {
	s := newTenant(t, good()).Snapshot()
	table, ok := s.Channel("/http/table")
	require.True(t, ok)
	empty := []byte{0x30, 0}
	assert.False(t, s.InTable(table, []byte{1, 2, 3}, empty))
	assert.False(t, s.InTable(table, empty, []byte{1, 2, 3}))
	assert.False(t, s.InTable(table, empty, empty))
	assert.False(t, s.InTable(Channel{Address: "/http/none"}, empty, empty))
}

// A path much longer than the longest address is served by what lies above it all the same.
func TestAPathLongerThanEveryAddress(t *testing.T) {
	among := map[string]*deployed{"/cxf/a": {}, "/cxf/abc": {}}
	most := len("/cxf/abc")
	for path, want := range map[string]string{
		"/cxf/a": "/cxf/a", "/cxf/abc": "/cxf/abc", "/cxf/abc/d/e": "/cxf/abc", "/cxf/a/b/c/d": "/cxf/a",
		"/cxf/abcd": "", "/cxf/abcd/e": "", "/cxf/b": "", "no/slash/at/the/beginning": "", "without-any-slash-at-all": "",
	} {
		assert.Same(t, among[want], longest(among, path, most), path)
	}
}
