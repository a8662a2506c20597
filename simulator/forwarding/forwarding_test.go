package forwarding_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"example.com/gatehouse/simulator/forwarding"
)

func TestWhatIsSetIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var i forwarding.Identity
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 1:
			i.Certificate = rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "der")
			i.Subject = rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "subject")
		case 2:
			i.Result = rapid.IntRange(1, 100).Draw(t, "result")
			i.Subject = rapid.String().Draw(t, "subject")
		}
		h := http.Header{}
		forwarding.Set(h, i)
		got, err := forwarding.Read(h)
		if err != nil {
			t.Fatal(err)
		}
		if got.Subject != i.Subject || got.Result != i.Result || string(got.Certificate) != string(i.Certificate) {
			t.Fatalf("set %+v, read %+v", i, got)
		}
	})
}

func TestContradictionsLetNobodyIn(t *testing.T) {
	good := func() http.Header {
		h := http.Header{}
		forwarding.Set(h, forwarding.Identity{Certificate: []byte{1}, Subject: "CN=x"})
		return h
	}
	i, err := forwarding.Read(good())
	require.NoError(t, err)
	require.True(t, i.Accepted())

	for name, spoil := range map[string]func(http.Header){
		"certificate twice":         func(h http.Header) { h.Add(forwarding.CertificateHeader, "AQ==") },
		"not base64":                func(h http.Header) { h.Set(forwarding.CertificateHeader, "***") },
		"empty":                     func(h http.Header) { h.Set(forwarding.CertificateHeader, "") },
		"accepted and not":          func(h http.Header) { h.Set(forwarding.ResultHeader, "20") },
		"user without certificate":  func(h http.Header) { h.Del(forwarding.CertificateHeader) },
		"verdict without a subject": func(h http.Header) { clear(h); h.Set(forwarding.ResultHeader, "20") },
		"subject without a verdict": func(h http.Header) { clear(h); h.Set(forwarding.SubjectHeader, "AQ==") },
		"verdict 0": func(h http.Header) {
			clear(h)
			h.Set(forwarding.SubjectHeader, "AQ==")
			h.Set(forwarding.ResultHeader, "0")
		},
		"verdict no number": func(h http.Header) {
			clear(h)
			h.Set(forwarding.SubjectHeader, "AQ==")
			h.Set(forwarding.ResultHeader, "twenty")
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := good()
			spoil(h)
			i, err := forwarding.Read(h)
			assert.Error(t, err)
			assert.False(t, i.Accepted())
		})
	}
}

func TestStripRemovesEverySpelling(t *testing.T) {
	h := http.Header{
		"Ssl_client_cert": {"a"}, "SSL-Client-Cert": {"a"}, "ssl_CLIENT-user": {"a"}, "Ssl-Client-Anything": {"a"},
		"X-Forwarded-For": {"1.2.3.4"}, "X_forwarded_host": {"evil"}, "Forwarded": {"for=x"}, "X-Real-Ip": {"1"},
		"Content-Type": {"text/xml"}, "X-Csrf-Token": {"Fetch"}, "Authorization": {"Basic x"},
	}
	removed := forwarding.Strip(h)
	assert.Len(t, removed, 8)
	assert.Len(t, h, 3)
	assert.Equal(t, "Fetch", h.Get("X-CSRF-Token"))
}

func FuzzRead(f *testing.F) {
	f.Add("AQ==", "CN=x", "", "")
	f.Add("", "", "Q049eA==", "20")
	f.Fuzz(func(t *testing.T, cert, user, subject, result string) {
		h := http.Header{}
		for name, v := range map[string]string{forwarding.CertificateHeader: cert, forwarding.UserHeader: user, forwarding.SubjectHeader: subject, forwarding.ResultHeader: result} {
			if v != "" {
				h.Set(name, v)
			}
		}
		i, err := forwarding.Read(h)
		if err != nil && (i.Accepted() || i.Presented()) {
			t.Fatalf("an identity beside an error: %+v, %v", i, err)
		}
	})
}
