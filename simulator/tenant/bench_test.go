package tenant

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkLookup: with 100,000 mappings and 1,000 channels a call's lookups cost what they cost
// with ten.
func BenchmarkLookup(b *testing.B) {
	for _, size := range []struct{ mappings, channels int }{{10, 10}, {100_000, 1_000}} {
		b.Run(fmt.Sprintf("mappings=%d/channels=%d", size.mappings, size.channels), func(b *testing.B) {
			c := Config{MappingStore: -1}
			for i := range size.mappings {
				user := fmt.Sprintf("USER%07d", i)
				c.Mappings = append(c.Mappings, Mapping{Certificate: der(i), User: user})
				c.Roles = append(c.Roles, Assignment{User: user, Role: DefaultRole})
			}
			for i := range size.channels {
				c.Channels = append(c.Channels, Channel{Address: fmt.Sprintf("/http/orders%04d", i)})
			}
			tn, err := New(c, at(noon))
			require.NoError(b, err)
			cert := der(5)
			b.ReportAllocs()
			for b.Loop() {
				s := tn.Snapshot()
				user, ok := s.Mapped(cert)
				channel, answer := s.Route("/http/orders0005")
				if !ok || !answer.Found || !s.Role(user, channel.Role()).Has || s.Restarting(channel, noon) {
					b.Fatal("not let in")
				}
			}
		})
	}
}

func BenchmarkInTable(b *testing.B) {
	cert := named(b, name("warehouse"), name("CA"))
	table := []DNPair{DNPairOf(cert)}
	for i := range 1000 {
		table = append(table, DNPair{fmt.Sprintf("CN=sender%d, C=DE", i), "CN=CA, C=DE"})
	}
	tn := newTenant(b, Config{Channels: []Channel{{Address: "/http/t", Authorization: Authorization{Table: table}}}})
	c, _ := tn.Snapshot().Route("/http/t")
	b.ReportAllocs()
	for b.Loop() {
		if !tn.Snapshot().InTable(c, cert.RawSubject, cert.RawIssuer) {
			b.Fatal("not in the table")
		}
	}
}
