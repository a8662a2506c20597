// Package logon reads what a caller shows to be let in: the credentials of an Authorization header,
// and the CSRF token with the cookie of its session. The runtime node uses it for calls, the
// management interface for administration.
//
// Whether a password is right or a token was issued here is for package tenant, and what follows
// from it for the server.
package logon
