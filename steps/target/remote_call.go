package target

// remoteCall is what a remote session knows of a call.
type remoteCall struct{}
