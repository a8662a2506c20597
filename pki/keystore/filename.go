package keystore

// CheckFileName tells why a certificate of that name cannot be written: its files must mean the
// same on every system, and stay in their folder. [Files] and [Write] check it too.
func CheckFileName(name string) error { return checkFileName(name) }
