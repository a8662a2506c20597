package tenant

import (
	"bytes"
	"errors"
	"strings"
)

// Why a path is not routed at all.
var (
	errPathRelative = errors.New("the path does not begin with /")
	errPathEscape   = errors.New("the path holds a % that is not followed by two hex digits")
	errPathEncoded  = errors.New("the path holds an encoded / or a \\, with which one path could pass for another")
	errPathControl  = errors.New("the path holds a control character")
	errPathAbove    = errors.New("the path leads above its root")
)

// CleanPath makes the one form of a request path in which it is compared with addresses. The
// argument is the path as it came over the wire, without query. Like Tomcat it
//
//   - drops path parameters (";" to the end of a segment),
//   - decodes %XX once, so that %252e stays "%2e",
//   - refuses encoded slashes (%2F), backslashes, encoded or not, and control characters,
//   - makes "//" one slash, and resolves "." and "..", also encoded ones,
//   - refuses a path that leads above the root.
//
// Case and a final slash are kept. [?] The real system's treatment is not published; this is
// Tomcat's default, which it runs on. A clean path is clean: cleaning it again changes nothing
// unless it holds "%" or ";".
func CleanPath(raw string) (string, error) {
	if !strings.HasPrefix(raw, "/") {
		return "", errPathRelative
	}
	if isClean(raw) {
		return raw, nil
	}
	out := make([]byte, 0, len(raw))
	for segment := range strings.SplitSeq(raw[1:], "/") {
		segment, _, _ = strings.Cut(segment, ";")
		out = append(out, '/')
		start := len(out)
		for i := 0; i < len(segment); i++ {
			c := segment[i]
			if c == '%' {
				if i+2 >= len(segment) || !isHex(segment[i+1]) || !isHex(segment[i+2]) {
					return "", errPathEscape
				}
				c = unhex(segment[i+1])<<4 | unhex(segment[i+2])
				i += 2
				if c == '/' {
					return "", errPathEncoded
				}
			}
			switch {
			case c == '\\':
				return "", errPathEncoded
			case c < 0x20 || c == 0x7f:
				return "", errPathControl
			}
			out = append(out, c)
		}
		switch string(out[start:]) {
		case "", ".":
			out = out[:start-1]
		case "..":
			if start == 1 {
				return "", errPathAbove
			}
			out = out[:bytes.LastIndexByte(out[:start-1], '/')]
		}
	}
	if endsInSlash(raw) || len(out) == 0 {
		out = append(out, '/')
	}
	return string(out), nil
}

// endsInSlash tells whether the last segment of a raw path is empty, or leads to a folder.
func endsInSlash(raw string) bool {
	last, _, _ := strings.Cut(raw[strings.LastIndexByte(raw, '/')+1:], ";")
	switch strings.ReplaceAll(strings.ReplaceAll(last, "%2e", "."), "%2E", ".") {
	case "", ".", "..":
		return true
	}
	return false
}

// isClean is the short way for almost all paths: nothing in it needs cleaning.
func isClean(path string) bool {
	for i := range len(path) {
		switch c := path[i]; {
		case c == '%' || c == ';' || c == '\\' || c < 0x20 || c == 0x7f:
			return false
		case c == '/' && i+1 < len(path) && (path[i+1] == '/' || path[i+1] == '.'):
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}
