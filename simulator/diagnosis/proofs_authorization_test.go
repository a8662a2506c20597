package diagnosis_test

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/sender"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

type landscapeState = tenant.Config

func (r *run) update(change func(*tenant.Config)) {
	r.t.Helper()
	require.NoError(r.t, r.sim.Tenant().Update(func(c *tenant.Config) error { change(c); return nil }))
}

// table makes the channel compare certificates.
func table(rows ...simulator.TableRow) func(*simulator.Landscape) {
	return func(l *simulator.Landscape) {
		l.Channels[0].Authorization = simulator.Authorization{ClientCertificates: rows}
	}
}

// roles replaces the role assignments.
func roles(list ...simulator.Role) func(*simulator.Landscape) {
	return func(l *simulator.Landscape) { l.Roles = list }
}

// authorizationProofs are those of calls that are recognised and not let in.
func authorizationProofs() []proof {
	send := "ESBMessaging.send"
	other := simulator.Role{User: "BOB", Role: send}
	return []proof{
		{
			id: "not-mapped", reason: journey.NotMapped, calls: ordinary("shop"),
			beside: func(_ *run, e *diagnosis.Evidence) { e.Assignments = &diagnosis.Assignments{Mappings: []string{}} },
		},
		{
			id: "renewed-not-mapped", reason: journey.NotMapped, landscape: renewed, calls: ordinary("renewed"), beside: both(withMapped("warehouse"), withChain("renewed", "root")),
		},
		{
			id: "ca-mapped", reason: journey.NotMapped, calls: ordinary("shop"), beside: both(withMapped("issuing"), withChain("shop", "root")),
			landscape: func(l *simulator.Landscape) {
				l.Mappings = []simulator.Mapping{{Certificate: "issuing", User: "SHOP"}}
			},
		},
		{
			id: "other-certificate-mapped", reason: journey.NotMapped, calls: ordinary("shop"), beside: withMapped("warehouse"),
		},
		{
			id: "only-in-tenant-keystore", reason: journey.NotMapped, calls: ordinary("shop"),
			landscape: func(l *simulator.Landscape) { l.Keystore = []string{"shop"} },
			beside: func(r *run, e *diagnosis.Evidence) {
				for _, k := range r.sim.Tenant().Config().Keystore {
					e.Keystore = append(e.Keystore, k.Certificate)
				}
			},
		},
		{
			id: "mappings-lost", reason: journey.NotMapped,
			landscape: func(l *simulator.Landscape) {
				for i := range 3 {
					name := fmt.Sprintf("plant%d", i)
					l.PKI = append(l.PKI, pki.Description{Name: name, Issuer: "issuing", Subject: "CN=" + name + ".example, O=Example, C=DE"})
					l.Mappings = append(l.Mappings, simulator.Mapping{Certificate: name, User: "PLANT" + name[5:]})
					l.Roles = append(l.Roles, simulator.Role{User: "PLANT" + name[5:], Role: send})
					l.Senders = append(l.Senders, simulator.Sender{Name: name, Certificate: name})
				}
			},
			calls: func(r *run) {
				plants := func() {
					for i := range 3 {
						one := r.sim.NewSender("plant", r.certificate(fmt.Sprintf("plant%d", i)))
						one.LocalAddr = fmt.Sprintf("127.0.0.%d", i+2)
						r.callWith(one, "/http/orders")
					}
				}
				plants()
				r.sim.Clock().Advance(10 * time.Minute)
				r.update(func(c *tenant.Config) { c.Mappings = nil })
				plants()
			},
		},
		{
			id: "role-missing", reason: journey.RoleMissing, calls: ordinary("warehouse"), landscape: roles(other), beside: both(withAssignments, withChannels),
		},
		{
			id: "role-on-other-application", reason: journey.RoleMissing, calls: ordinary("warehouse"), beside: withAssignments,
			landscape: roles(other, simulator.Role{User: "WAREHOUSE", Role: send, Application: "provision"}),
		},
		{
			id: "administrator-only", reason: journey.RoleMissing, calls: ordinary("warehouse"), beside: withAssignments,
			landscape: roles(other, simulator.Role{User: "WAREHOUSE", Role: "AuthGroup.Administrator"}),
		},
		{
			id: "channel-demands-other-role", reason: journey.RoleMissing, calls: ordinary("warehouse"), beside: both(withAssignments, withChannels),
			landscape: func(l *simulator.Landscape) { l.Channels[0].Authorization.UserRole = "Orders.send" },
		},
		{
			id: "old-adapter-version", reason: journey.RoleMissing, calls: ordinary("warehouse"), beside: both(withAssignments, withChannels),
			landscape: func(l *simulator.Landscape) {
				l.Channels[0].OldAdapter = true
				l.Roles = []simulator.Role{other, {User: "WAREHOUSE", Role: "Orders.send"}}
			},
		},
		{
			id: "role-of-another-user", reason: journey.RoleMissing, calls: ordinary("warehouse"), beside: withAssignments,
			landscape: roles(other, simulator.Role{User: "Warehouse", Role: send}),
		},
		{
			id: "dns-not-in-table", reason: journey.DNsNotInTable, calls: ordinary("warehouse"), beside: withChannels, landscape: table(simulator.TableRow{Certificate: "shop"}),
		},
		{
			id: "ca-in-table", reason: journey.DNsNotInTable, calls: ordinary("warehouse"), beside: withChannels, landscape: table(simulator.TableRow{Certificate: "issuing"}),
		},
		{
			id: "table-outdated", reason: journey.DNsNotInTable, calls: ordinary("warehouse"), beside: withChannels,
			landscape: table(simulator.TableRow{Subject: "CN=warehouse.example, OU=North, O=Example, C=DE", Issuer: "CN=Example Issuing CA, O=Example, C=DE"}),
		},
		{
			id: "table-not-deployed", reason: journey.DNsNotInTable, calls: ordinary("warehouse"), landscape: table(simulator.TableRow{Certificate: "shop"}),
			beside: func(r *run, e *diagnosis.Evidence) {
				require.NoError(r.t, r.sim.Tenant().Design("/http/orders", func(c *tenant.Channel) {
					c.Authorization.Table = append(c.Authorization.Table, tenant.DNPairOf(r.certificate("warehouse").X509()))
				}))
				c, ok := r.sim.Tenant().Designed("/http/orders")
				require.True(r.t, ok)
				e.Channels = append(e.Channels, c)
			},
		},
		{
			id: "no-certificate-for-table", reason: journey.NoCertificateForTable, calls: ordinary("warehouse"), beside: withChannels,
			landscape: func(l *simulator.Landscape) {
				table(simulator.TableRow{Certificate: "shop"})(l)
				l.Senders[0].Certificate, l.Senders[0].User = "", "BOB"
			},
		},
	}
}

// protected makes the channel demand a CSRF token.
func protected(l *simulator.Landscape) { l.Channels[0].CSRFProtected = nil }

// otherProofs are those of the flow and the logs.
func otherProofs() []proof {
	return []proof{
		{id: "csrf-token-missing", reason: journey.CSRFTokenMissing, landscape: protected, calls: ordinary("warehouse"), beside: withCurl},
		{
			id: "cookie-encoded", reason: journey.CSRFTokenMissing,
			landscape: func(l *simulator.Landscape) {
				protected(l)
				l.Tenant.Nodes = 2
				l.Senders[0].EncodesCookies, l.Senders[0].FetchesToken = true, true
			},
			calls: ordinary("warehouse"),
		},
		{
			id: "body-too-large", reason: journey.BodyTooLarge,
			landscape: func(l *simulator.Landscape) { l.Channels[0].MaximumBodySize = 1 },
			calls: func(r *run) {
				r.call("warehouse", "/http/orders", func(c *sender.Call) { c.Body = make([]byte, 1<<20+1) })
			},
		},
		{
			id: "flow-failed", reason: journey.FlowFailed, calls: ordinary("warehouse"),
			landscape: func(l *simulator.Landscape) { l.Channels[0].Answer = "fail" },
		},
		{
			id: "body-stalled",
			landscape: func(l *simulator.Landscape) {
				l.LoadBalancer.Limits.BodyStall = 50 * time.Millisecond
			},
			calls: func(r *run) {
				certificate := r.certificate("warehouse").TLSCertificate()
				o := sender.Misbehave(r.t.Context(), r.sim.Address(), sender.StalledBody, sender.Manner{ServerName: r.sim.Host(), Path: "/http/orders", Certificate: certificate})
				require.Equal(r.t, 408, o.Status, "control: %s", o)
			},
		},
		{
			id: "call-too-long",
			// Nobody waits for ten minutes here: the line has the duration and the status.
			calls: func(r *run) {
				r.call("warehouse", "/http/orders")
				r.rewrite(func(l *systemlog.AccessLine) { l.Status, l.Duration = 504, 601*time.Second })
			},
		},
		{
			id:        "log-of-other-node",
			landscape: func(l *simulator.Landscape) { l.Tenant.Nodes = 2 },
			calls: func(r *run) {
				r.call("warehouse", "/http/orders")
				r.call("nobody", "/http/orders")
				require.NotEqual(r.t, r.results[0].Journey.Node, r.results[1].Journey.Node, "control")
				r.forget(r.results[1].Journey.Node)
			},
			beside: withCurl,
		},
		{
			id: "log-of-other-day",
			calls: func(r *run) {
				r.call("warehouse", "/http/orders")
				r.sim.Clock().Advance(49 * time.Hour)
				r.call("nobody", "/http/orders")
				r.forgetDay(r.last().Journey.Started)
			},
			beside: withCurl,
		},
		{
			id: "no-trace-file", apart: true,
			calls: ordinary("warehouse"),
		},
		{
			id: "no-node-up", reason: journey.NoNodeAvailable, beside: withCurl,
			calls: func(r *run) {
				r.call("warehouse", "/http/orders")
				for _, n := range r.sim.Nodes() {
					n.SetUp(false)
				}
				r.call("warehouse", "/http/orders")
			},
		},
	}
}
