// Package odata speaks OData version 2, as far as the management interface of a tenant does: a
// Model of entity types and sets, the parser of resource paths and query options, the writers of
// Atom and JSON, $metadata and the service document, the reader of request bodies, and the shape
// of errors.
//
// What an entity is and where it comes from is not known here: properties hold functions that read
// them from a value of the caller's own type. Logon, rights and CSRF are for package management.
//
// Everything that is read here comes from outside and is bounded: the number of segments, options,
// nodes of a filter and members of a body. An option that is not understood is an error and never
// ignored.
//
// Statements about the real system carry a mark: [C] confirmed by a source, [I] inferred, [?] not
// known and therefore a choice made here. Forms that are not documented follow Apache Olingo 2,
// whose look the real answers have [I].
package odata

import (
	"fmt"
	"net/http"
)

// Error is an answer other than success: its status, and what is said about it.
type Error struct {
	Status  int
	Message string
	// Allow lists the methods that the resource has, for 405.
	Allow []string
}

func (e *Error) Error() string { return e.Message }

// Errorf makes an Error.
func Errorf(status int, format string, args ...any) *Error {
	return &Error{Status: status, Message: fmt.Sprintf(format, args...)}
}

// badRequest says what is wrong with a request.
func badRequest(format string, args ...any) *Error {
	return Errorf(http.StatusBadRequest, format, args...)
}

// notImplemented names what OData has and this service has not.
func notImplemented(format string, args ...any) *Error {
	return Errorf(http.StatusNotImplemented, format, args...)
}

// NotFound is the answer for an entity that is not there. [C: the text]
func NotFound() *Error {
	return Errorf(http.StatusNotFound, "Requested entity could not be found.")
}

// maxShown bounds what an error quotes of a request, in bytes.
const maxShown = 100

// clip shortens what an error quotes. Quoting with %q makes it harmless.
func clip(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return s[:maxShown] + "…"
}
