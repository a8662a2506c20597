package tenant

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheWholeCertificateIsCompared(t *testing.T) {
	cert := named(t, name("warehouse"), name("Example CA"))
	renewed := named(t, name("warehouse"), name("Example CA"))
	tn := newTenant(t, Config{Mappings: []Mapping{{Certificate: cert.Raw, User: "WAREHOUSE"}, {Certificate: der(1), User: "WAREHOUSE"}}})
	s := tn.Snapshot()
	user, ok := s.Mapped(cert.Raw)
	assert.True(t, ok)
	assert.Equal(t, "WAREHOUSE", user)
	user, ok = s.Mapped(der(1))
	assert.True(t, ok, "several certificates may map to one user")
	assert.Equal(t, "WAREHOUSE", user)
	for _, other := range [][]byte{renewed.Raw, cert.RawTBSCertificate, cert.Raw[:len(cert.Raw)-1], nil} {
		_, ok = s.Mapped(other)
		assert.False(t, ok)
	}
	assert.True(t, s.MappedUser("WAREHOUSE"))
	assert.False(t, s.MappedUser("warehouse"))
}

// collision are two texts with the same MD5, found by Wang and others in 2004.
func collision(t *testing.T) (a, b []byte) {
	t.Helper()
	const one = "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a085125e8f7cdc99fd91dbdf280373c5b" +
		"d8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70"
	a, err := hex.DecodeString(one)
	require.NoError(t, err)
	b = bytes.Clone(a)
	for _, at := range []int{19, 45, 59, 83, 109, 123} {
		b[at] ^= 0x80
	}
	require.Equal(t, MappingID(a), MappingID(b))
	return a, b
}

// Somebody made two certificates with one id: only the one that is mapped is the user, and the other
// cannot be mapped beside it.
func TestAnIDIsNoCertificate(t *testing.T) {
	mine, theirs := collision(t)
	tn := newTenant(t, Config{})
	require.NoError(t, tn.change(func(_ *Snapshot, d *draft) error {
		put(d, mappingKind, Mapping{Certificate: mine, User: "MINE"})
		return nil
	}))
	user, ok := tn.Snapshot().Mapped(mine)
	assert.True(t, ok)
	assert.Equal(t, "MINE", user)
	_, ok = tn.Snapshot().Mapped(theirs)
	assert.False(t, ok)

	problems := Problems(tn.MapCertificate(theirs, "MINE"))
	require.NotEmpty(t, problems)
	assert.Equal(t, Problem{"mappings[0].certificate", "has the id 79054025255fb1a26e4bc422aef54eb4 of another certificate that is mapped; remove that one, or map a renewed one"}, problems[len(problems)-1])
	for _, problem := range Problems(tn.MapCertificate(mine, "MINE")) {
		assert.NotContains(t, problem.Message, "another certificate")
	}
}

func TestTable(t *testing.T) {
	cert, other := named(t, name("warehouse"), name("CA")), named(t, name("shop"), name("CA"))
	c := Channel{Address: "/http/Table", Authorization: Authorization{Table: []DNPair{DNPairOf(cert)}}}
	tn := newTenant(t, Config{Channels: []Channel{c, {Address: "/http/none", Authorization: Authorization{Table: []DNPair{}}}}})
	s := tn.Snapshot()
	routed, _ := s.Route("/http/table")
	assert.True(t, s.InTable(routed, cert.RawSubject, cert.RawIssuer))
	assert.False(t, s.InTable(routed, other.RawSubject, other.RawIssuer))
	assert.False(t, s.InTable(routed, cert.RawIssuer, cert.RawIssuer), "the CA's certificate does not help")
	assert.False(t, s.InTable(routed, nil, nil))
	empty, _ := s.Route("/http/none")
	assert.True(t, empty.Authorization.ClientCertificate(), "an empty table stays a table")
	assert.False(t, s.InTable(empty, cert.RawSubject, cert.RawIssuer))
	assert.True(t, tn.Config().Channels[1].Authorization.ClientCertificate())
	assert.False(t, s.InTable(Channel{Address: "/http/gone"}, cert.RawSubject, cert.RawIssuer))
	got, ok := s.Channel("/http/TABLE")
	assert.True(t, ok)
	assert.Equal(t, HTTPS, got.Adapter)
	assert.Equal(t, "Table", got.Flow)
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	tn := newTenant(t, good())
	before, config := tn.Snapshot(), tn.Config()

	stop := errors.New("stop")
	err := tn.Update(func(c *Config) error {
		c.Mappings = nil
		c.Mappings = append(c.Mappings, Mapping{Certificate: der(7), User: "OTHER"})
		return stop
	})
	assert.ErrorIs(t, err, stop)
	assert.Same(t, before, tn.Snapshot())
	assert.Equal(t, config, tn.Config())

	err = tn.Update(func(c *Config) error {
		c.Mappings[0].Certificate[0] = 0 // in place
		c.Mappings = c.Mappings[:1]
		return nil
	})
	assert.Equal(t, []Problem{{"mappings[0].certificate", "is not the DER of a certificate"}}, Problems(err))
	assert.Same(t, before, tn.Snapshot(), "a failed bulk update must not empty the store")
	assert.Equal(t, config, tn.Config())

	require.NoError(t, tn.Update(func(c *Config) error { c.Mappings = c.Mappings[:1]; return nil }))
	_, ok := tn.Snapshot().Mapped(der(3))
	assert.False(t, ok)
	_, ok = before.Mapped(der(3))
	assert.True(t, ok, "a call that is under way keeps its snapshot")
}

func TestNothingIsSharedWithTheCaller(t *testing.T) {
	c := good()
	tn := newTenant(t, c)
	want := tn.Config()
	spoil := func(c *Config) {
		c.Mappings[0].Certificate[7] ^= 0xff
		c.Groups[0].Users[0] = "mallory"
		c.Roles[0].Role = "none"
		c.Channels[7].Authorization.Table[0].Subject = "CN=mallory"
		c.Keystore[0].Certificate[1] ^= 0xff
	}
	spoil(&c)
	assert.Equal(t, want, tn.Config(), "given to New")
	out := tn.Config()
	spoil(&out)
	assert.Equal(t, want, tn.Config(), "got from Config")
	var kept *Config
	require.NoError(t, tn.Update(func(c *Config) error { kept = c; return nil }))
	spoil(kept)
	assert.Equal(t, want, tn.Config(), "kept by Update")
}

func TestConveniences(t *testing.T) {
	tn := newTenant(t, Config{})
	require.NoError(t, tn.MapCertificate(der(1), "A"))
	require.NoError(t, tn.MapCertificate(der(1), "A"), "again changes nothing")
	assert.Len(t, tn.Config().Mappings, 1)
	require.NoError(t, tn.MapCertificate(der(1), "B"), "one certificate maps to one user: now to another")
	assert.Len(t, tn.Config().Mappings, 1)
	user, _ := tn.Snapshot().Mapped(der(1))
	assert.Equal(t, "B", user)
	assert.True(t, tn.Unmap(der(1)))
	assert.False(t, tn.Unmap(der(1)))
	_, ok := tn.Snapshot().Mapped(der(1))
	assert.False(t, ok)
	err := tn.MapCertificate([]byte("rubbish"), "B")
	assert.ErrorContains(t, err, "is not the DER of a certificate")

	require.NoError(t, tn.Assign(Assignment{User: "A", Role: DefaultRole}))
	require.NoError(t, tn.Assign(Assignment{User: "A", Role: DefaultRole, Application: DefaultAccount + "iflmap"}), "the same")
	assert.Len(t, tn.Config().Roles, 1)
	assert.True(t, tn.Snapshot().Role("A", DefaultRole).Has)
	assert.True(t, tn.Unassign(Assignment{User: "A", Role: DefaultRole}))
	assert.False(t, tn.Unassign(Assignment{User: "A", Role: DefaultRole}))
	assert.False(t, tn.Snapshot().Role("A", DefaultRole).Has)
	assert.Error(t, tn.Assign(Assignment{Group: "none", Role: DefaultRole}))

	same := Assignment{User: "A", Role: DefaultRole}
	require.NoError(t, tn.Update(func(c *Config) error { c.Roles = []Assignment{same, same, same, same}; return nil }))
	assert.True(t, tn.Unassign(same))
	assert.Empty(t, tn.Config().Roles, "however often it stands there")
}

func TestAChangedChannelTakesEffectOnDeployment(t *testing.T) {
	now := noon
	tn, err := New(Config{Channels: []Channel{{Address: "/http/orders"}, {Address: "/http/other"}}}, func() time.Time { return now })
	require.NoError(t, err)
	require.NoError(t, tn.Design("/http/ORDERS", func(c *Channel) { c.Authorization.UserRole = "Orders.send" }))
	require.NoError(t, tn.Design("/http/orders", func(c *Channel) { c.Answer = OneWay }))
	c, _ := tn.Snapshot().Route("/http/orders")
	assert.Equal(t, DefaultRole, c.Role())
	d, ok := tn.Designed("/http/orders")
	assert.True(t, ok)
	assert.Equal(t, "Orders.send", d.Role())
	assert.Equal(t, OneWay, d.Answer, "changes add up")

	before := tn.Snapshot()
	require.NoError(t, tn.Deploy("/http/orders", time.Minute))
	s := tn.Snapshot()
	c, _ = s.Route("/http/orders")
	other, _ := s.Route("/http/other")
	assert.Equal(t, "Orders.send", c.Role())
	assert.Equal(t, OneWay, c.Answer)
	assert.True(t, s.Restarting(c, now))
	assert.True(t, s.Restarting(c, now.Add(time.Minute-1)))
	assert.False(t, s.Restarting(c, now.Add(time.Minute)))
	assert.False(t, s.Restarting(other, now))
	assert.False(t, before.Restarting(c, now), "an old snapshot does not change")
	assert.Equal(t, "Orders.send", tn.Config().Channels[0].Authorization.UserRole)
	assert.Empty(t, tn.Config().Designs, "nothing is left to deploy")

	now = now.Add(2 * time.Minute)
	require.NoError(t, tn.Deploy("/http/other", 0))
	assert.Empty(t, tn.Snapshot().restarts.values(), "deployments that are over are forgotten")
	require.NoError(t, tn.Update(func(c *Config) error { return nil }))

	require.NoError(t, tn.Deploy("/http/orders", time.Minute))
	require.NoError(t, tn.Update(func(c *Config) error { return nil }))
	assert.True(t, tn.Snapshot().Restarting(c, now), "a change elsewhere does not end a restart")
	require.NoError(t, tn.Deploy("/http/other", 1))
	assert.True(t, tn.Snapshot().Restarting(c, now), "nor does the deployment of another")
	assert.True(t, tn.Snapshot().Restarting(other, now), "however short it is")
	require.NoError(t, tn.Deploy("/http/orders", 0))
	assert.False(t, tn.Snapshot().Restarting(c, now), "deployed again without a downtime")
}

func TestABadDesignDoesNotDisturbTheRuntime(t *testing.T) {
	tn := newTenant(t, Config{Channels: []Channel{{Address: "/http/orders"}, {Address: "/http/other"}}})
	require.NoError(t, tn.Design("/http/orders", func(c *Channel) { c.Address = "/http/OTHER" }))
	before := tn.Snapshot()
	problems := Problems(tn.Deploy("/http/orders", time.Minute))
	require.Len(t, problems, 1)
	assert.Equal(t, "channels[1].address", problems[0].Path)
	assert.Same(t, before, tn.Snapshot())

	require.NoError(t, tn.Design("/http/orders", func(c *Channel) { c.Address = "/cxf/orders" }))
	require.NoError(t, tn.Deploy("/http/orders", time.Minute))
	_, answer := tn.Snapshot().Route("/http/orders")
	assert.False(t, answer.Found)
	c, answer := tn.Snapshot().Route("/cxf/orders")
	assert.True(t, answer.Found)
	assert.Equal(t, SOAP, c.Adapter)
	assert.True(t, tn.Snapshot().Restarting(c, noon))

	assert.EqualError(t, tn.Deploy("/http/orders", 0), `deploying a channel: no channel has the address "/http/orders"`)
	assert.EqualError(t, tn.Design("/http/orders", nil), `changing a channel: no channel has the address "/http/orders"`)
	_, ok := tn.Designed("/http/orders")
	assert.False(t, ok)

	require.NoError(t, tn.Design("/cxf/orders", func(c *Channel) { c.Answer = Fail }))
	require.NoError(t, tn.Update(func(c *Config) error { c.Channels = c.Channels[1:]; return nil }))
	assert.Empty(t, tn.Config().Designs, "the channel is gone")
	assert.Empty(t, tn.Snapshot().restarts.values())
}

func TestWhatAChannelLeavesOut(t *testing.T) {
	s := newTenant(t, Config{Channels: []Channel{{Address: "/cxf/a"}, {Address: "/cxf/b", Adapter: IDoc, Flow: "Orders", Answer: Fail}}}).Snapshot()
	a, _ := s.Channel("/cxf/a")
	assert.Equal(t, Channel{Address: "/cxf/a", Adapter: SOAP, Flow: "a", Answer: Echo}, a)
	b, _ := s.Channel("/cxf/b")
	assert.Equal(t, Channel{Address: "/cxf/b", Adapter: IDoc, Flow: "Orders", Answer: Fail}, b)
}

func TestWhatAChannelDemands(t *testing.T) {
	for name, row := range map[string]struct {
		channel Channel
		role    string
		limit   int64
	}{
		"nothing said":                {Channel{}, DefaultRole, 40 << 20},
		"a role and a size":           {Channel{Authorization: Authorization{UserRole: "Orders.send"}, MaximumBodySize: 1}, "Orders.send", 1},
		"an old version has no entry": {Channel{OldAdapter: true, Authorization: Authorization{UserRole: "Orders.send"}}, DefaultRole, 40 << 20},
	} {
		assert.Equal(t, row.role, row.channel.Role(), name)
		assert.Equal(t, row.limit, row.channel.BodyLimit(), name)
	}
}

// Without a clock of its own a tenant lives in the time of the machine.
func TestTheClockOfATenant(t *testing.T) {
	tn, err := New(Config{Channels: []Channel{{Address: "/http/orders"}}}, nil)
	require.NoError(t, err)
	before := time.Now()
	require.NoError(t, tn.Deploy("/http/orders", time.Hour))
	after := time.Now()
	c, _ := tn.Snapshot().Channel("/http/orders")
	assert.True(t, tn.Snapshot().Restarting(c, before.Add(time.Hour-1)))
	assert.False(t, tn.Snapshot().Restarting(c, after.Add(time.Hour)))
}

func TestSecretsAreNotPrinted(t *testing.T) {
	c := good()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(format, c), "secret-of", format)
	}
	c.Users[0].Name = "a:b"
	c.Clients[0].ID = ""
	_, err := New(c, nil)
	assert.NotContains(t, err.Error(), "secret-of")
}

func TestManyReadersAndOneWriter(t *testing.T) {
	tn := newTenant(t, good())
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				s := tn.Snapshot()
				if user, ok := s.Mapped(der(100)); ok {
					// What belongs together is there together.
					if !s.Role(user, DefaultRole).Has {
						t.Error("half a change was seen")
					}
				}
			}
		})
	}
	for range 100 {
		require.NoError(t, tn.Update(func(c *Config) error {
			c.Mappings = append(c.Mappings, Mapping{Certificate: der(100), User: "NEW"})
			c.Roles = append(c.Roles, Assignment{User: "NEW", Role: DefaultRole})
			return nil
		}))
		require.NoError(t, tn.Update(func(c *Config) error {
			c.Mappings = c.Mappings[:3]
			c.Roles = c.Roles[:2]
			return nil
		}))
	}
	close(done)
	readers.Wait()
}

func ExampleTenant_Snapshot() {
	tn, err := New(Config{
		Account:  "e100999",
		Mappings: []Mapping{{Certificate: der(1), User: "WAREHOUSE"}},
		Roles:    []Assignment{{User: "WAREHOUSE", Role: DefaultRole}},
		Channels: []Channel{{Address: "/http/orders"}},
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	s := tn.Snapshot()
	user, _ := s.Mapped(der(1))
	channel, _ := s.Route("/http/Orders")
	fmt.Println(user, channel.Address, s.Role(user, channel.Role()).Has)
	_, answer := s.Route("/orders")
	fmt.Println(answer.Hint)
	// Output:
	// WAREHOUSE /http/orders true
	// "/http/orders" is deployed: the path lacks /http
}
