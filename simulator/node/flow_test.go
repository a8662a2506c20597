package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
)

func TestAnswers(t *testing.T) { // FLW-1, FLW-2, LOG-4
	f := newFixture(t)
	who := accepted(f.warehouse)
	o := f.call("POST", "/http/orders", who, body("<order/>"), header("Content-Type", "text/xml")).endsWith(200, "WAREHOUSE", "")
	assert.Equal(t, "<order/>", o.body)
	assert.Equal(t, "text/xml", o.response.Header.Get("Content-Type"))
	assert.EqualValues(t, 8, o.line.Bytes)
	id := o.response.Header.Get("SAP_MessageProcessingLogID")
	assert.Regexp(t, `^AG[A-Za-z0-9_-]{26}$`, id)
	stop, _ := o.journey.At(journey.Flow)
	assert.Contains(t, stop.Decided, id)

	o = f.call("POST", "/http/oneway", who).endsWith(202, "WAREHOUSE", "")
	assert.Empty(t, o.body)
	assert.Contains(t, o.line.String(), " 202 - 0 ")
	o = f.call("POST", "/http/none", who).endsWith(204, "WAREHOUSE", "")
	assert.Empty(t, o.body)
	assert.EqualValues(t, -1, o.line.Bytes)
	o = f.call("POST", "/http/fail", who).endsWith(500, "WAREHOUSE", journey.FlowFailed)
	assert.Contains(t, o.body, o.response.Header.Get("SAP_MessageProcessingLogID"))
	f.call("POST", "/http/fail", accepted(f.unmapped)).endsWith(403, "shop.example@"+issuer, journey.NotMapped)
}

func TestTheFlowTellsWhatReachedIt(t *testing.T) { // FLW-4
	f := newFixture(t)
	o := f.call("GET", "/http/orders?x=1&y=", accepted(f.warehouse), header("X-Order", "4711"), header("Cookie", "secret=1"), header("Authorization", "Basic %")).endsWith(200, "WAREHOUSE", "")
	assert.Equal(t, "application/json", o.response.Header.Get("Content-Type"))
	var told Echoed
	require.NoError(t, json.Unmarshal([]byte(o.body), &told))
	assert.Equal(t, []string{"4711"}, told.Headers["X-Order"])
	assert.Equal(t, []string{"198.51.100.49"}, told.Headers["X-Forwarded-For"])
	assert.NotContains(t, told.Headers, "Cookie")
	assert.NotContains(t, told.Headers, "Authorization")
	told.Headers = nil
	assert.Equal(t, Echoed{
		Method: "GET", Path: "/http/orders", Query: "x=1&y=", User: "WAREHOUSE",
		Certificate: &EchoedCertificate{Subject: "CN=warehouse.example, O=Example, C=DE", Issuer: "CN=Example Issuing CA, C=DE"},
	}, told)
	assert.EqualValues(t, len(o.body), o.line.Bytes)

	stop, _ := o.journey.At(journey.Flow)
	assert.Contains(t, stop.Saw, journey.Fact{Name: "header X-Order", Value: "4711"})
	assert.Contains(t, stop.Saw, journey.Fact{Name: "user", Value: "WAREHOUSE"})
	for _, fact := range stop.Saw {
		assert.NotContains(t, fact.Value, "secret")
	}

	o = f.call("POST", "/http/orders", password("alice", "right"), header("Accept", "application/json"))
	told = Echoed{}
	require.NoError(t, json.Unmarshal([]byte(o.body), &told))
	assert.Equal(t, "alice", told.User)
	assert.Nil(t, told.Certificate)

	o = f.call("HEAD", "/http/orders", accepted(f.warehouse)).endsWith(200, "WAREHOUSE", "")
	assert.EqualValues(t, -1, o.line.Bytes)
	assert.Empty(t, o.body)
}

func TestBodyLimit(t *testing.T) { // FLW-3
	f := newFixture(t)
	who := accepted(f.warehouse)
	ten, eleven := strings.Repeat("a", 10), strings.Repeat("a", 11)
	chunked := func(r *http.Request) { r.ContentLength = -1 }
	lies := func(r *http.Request) { r.ContentLength = 3 }
	for _, path := range []string{"/http/small", "/http/oneway"} {
		for name, how := range map[string]option{"length": func(*http.Request) {}, "chunked": chunked, "length that lies": lies} {
			t.Run(path+" "+name, func(t *testing.T) {
				f.t = t
				o := f.call("POST", path, who, body(ten), how)
				assert.Contains(t, []int{200, 202}, o.response.StatusCode)
				f.call("POST", path, who, body(eleven), how).endsWith(413, "WAREHOUSE", journey.BodyTooLarge)
			})
		}
	}
	f.t = t
	unread := iotest.ErrReader(errors.New("was read"))
	f.call("POST", "/http/small", who, func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(unread), 11
	}).endsWith(413, "WAREHOUSE", journey.BodyTooLarge)
}

func TestTheDefaultLimitIs40MB(t *testing.T) {
	endless := func(n int64) io.Reader { return io.LimitReader(zeros{}, n) }
	_, size, err := readBody(endless(tenant.DefaultBodySize), -1, tenant.Channel{}.BodyLimit(), false)
	require.NoError(t, err)
	assert.EqualValues(t, 41943040, size)
	_, _, err = readBody(endless(tenant.DefaultBodySize+1), -1, tenant.Channel{}.BodyLimit(), false)
	assert.ErrorIs(t, err, errBodyTooLarge)
	got, _, err := readBody(iotest.OneByteReader(strings.NewReader("hello")), 1<<62, 1<<63-1, true)
	require.NoError(t, err, "what is announced is not believed")
	assert.Equal(t, "hello", string(got))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestABodyThatDoesNotComeToItsEnd(t *testing.T) { // LB-18
	f := newFixture(t)
	broken := func(err error) option {
		return func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(err))), 10
		}
	}
	for _, path := range []string{"/http/small", "/http/oneway"} {
		o := f.call("POST", path, accepted(f.warehouse), broken(os.ErrDeadlineExceeded)).endsWith(408, "WAREHOUSE", journey.BodyStalled)
		stop, _ := o.journey.End()
		assert.Equal(t, "after 3 bytes the body stalled: i/o timeout", stop.Decided)
		o = f.call("POST", path, accepted(f.warehouse), broken(io.ErrUnexpectedEOF)).endsWith(400, "WAREHOUSE", journey.BodyStalled)
		stop, _ = o.journey.End()
		assert.Equal(t, "after 3 bytes the body broke off: unexpected EOF", stop.Decided)
	}
	// The call as a whole took too long: the load balancer ends it and writes down why.
	over, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	r := httptest.NewRequestWithContext(over, "POST", "/http/small", nil)
	accepted(f.warehouse)(r)
	broken(os.ErrDeadlineExceeded)(r)
	recorder := journey.NewRecorder(journey.Journey{})
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r.WithContext(journey.NewContext(over, recorder)))
	assert.Equal(t, 408, w.Code)
	_, there := recorder.Journey().At(journey.Flow)
	assert.False(t, there)
	end, _ := recorder.Journey().End()
	assert.Equal(t, journey.Authorization, end.Station)

	// Who is not let in is not listened to.
	f.call("POST", "/http/small", broken(os.ErrDeadlineExceeded)).endsWith(401, "", journey.NoIdentity)
}

func TestAnEchoIsTheBodyByteForByte(t *testing.T) {
	f := newFixture(t)
	sent := bytes.Repeat([]byte{0, 1, 2, 0xff, '\r', '\n'}, 50_000)
	o := f.call("PUT", "/http/orders", accepted(f.warehouse), body(string(sent)))
	assert.Equal(t, sent, []byte(o.body))
	assert.EqualValues(t, len(sent), o.line.Bytes)
	assert.Equal(t, "application/octet-stream", o.response.Header.Get("Content-Type"))
}

// A body that is not there has no size, whatever was announced; one that need not be kept is not.
func TestReadBody(t *testing.T) {
	for _, nothing := range []io.Reader{nil, http.NoBody} {
		body, size, err := readBody(nothing, 100, 10, true)
		require.NoError(t, err)
		assert.Nil(t, body)
		assert.Zero(t, size)
	}
	body, size, err := readBody(strings.NewReader("hello"), 5, 10, false)
	require.NoError(t, err)
	assert.Nil(t, body)
	assert.EqualValues(t, 5, size)
}

// One byte more than the limit shows that there is more; no further byte is read.
func TestNoMoreThanTheLimitIsRead(t *testing.T) {
	content := strings.NewReader(strings.Repeat("a", 100))
	n, err := (&atMost{from: content, left: 10}).Read(make([]byte, 50))
	assert.Equal(t, 10, n)
	require.ErrorIs(t, err, errBodyTooLarge)
	assert.Equal(t, 89, content.Len())
	n, err = (&atMost{from: content, left: 1 << 62}).Read(make([]byte, 50))
	assert.Equal(t, 50, n)
	require.NoError(t, err)
}
