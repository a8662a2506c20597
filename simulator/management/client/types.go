package client

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// number is an Edm.Int64, which JSON has as a string; some servers write a number.
type number int64

func (n *number) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "null" || text == "" {
		*n = 0
		return nil
	}
	v, err := strconv.ParseInt(strings.TrimSuffix(text, "L"), 10, 64)
	if err != nil {
		return fmt.Errorf("found %s, expected a whole number", clip(string(data)))
	}
	*n = number(v)
	return nil
}

// moment is an Edm.DateTime or Edm.DateTimeOffset: "/Date(ms)/", also with an offset in minutes, or
// ISO 8601. What it means is the time; null is the zero time.
type moment time.Time

func (m *moment) UnmarshalJSON(data []byte) error {
	var text *string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("found %s, expected a time", clip(string(data)))
	}
	if text == nil || *text == "" {
		*m = moment{}
		return nil
	}
	if inner, ok := strings.CutPrefix(*text, "/Date("); ok {
		inner, closed := strings.CutSuffix(inner, ")/")
		// The offset only says how to show the time.
		if i := strings.LastIndexAny(inner, "+-"); i > 0 {
			inner = inner[:i]
		}
		if ms, err := strconv.ParseInt(inner, 10, 64); err == nil && closed {
			*m = moment(time.UnixMilli(ms).UTC())
			return nil
		}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, *text); err == nil {
			*m = moment(t.UTC())
			return nil
		}
	}
	return fmt.Errorf("found %q, expected a time such as /Date(1700000000000)/", clip(*text))
}

// milliseconds is a time given as an Edm.Int64 of milliseconds; 0 is the zero time.
func milliseconds(n number) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(n)).UTC()
}
