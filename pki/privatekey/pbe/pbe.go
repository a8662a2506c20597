// Package pbe is password-based encryption as private keys and PKCS#12 files use it: PBES2 and
// PBES1 of PKCS#5 (RFC 8018), the schemes of PKCS#12 (RFC 7292, appendix B and C), and the MAC of
// PKCS#12 with PBMAC1 (RFC 9579). It reads what is old and writes two schemes, a modern and a
// legacy one.
//
// What is not here: the structures that hold what is encrypted (package privatekey for keys,
// package keystore for PKCS#12). The input is taken for hostile: what it may cost is bounded.
package pbe

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// MaxIterations bounds the work that one encrypted part can ask for: about a second. Tools use
// from 1 to 600,000.
const MaxIterations = 1_000_000

// maxTotal bounds the iterations of all parts of one file.
const maxTotal = 4 * MaxIterations

var (
	// ErrWrongPassword: the password does not open what is encrypted, or that is damaged; the two
	// cannot be told apart.
	ErrWrongPassword = errors.New("the password is wrong")
	// ErrTooMuchWork: opening would take more iterations than [MaxIterations], or all parts
	// together more than four times that.
	ErrTooMuchWork = fmt.Errorf("more than %d iterations", MaxIterations)

	errDamaged = errors.New("the parameters of the encryption are damaged")
)

// UnsupportedError names an algorithm that is not known here.
type UnsupportedError struct {
	// What it was to do, "encryption" for instance.
	What string
	// Algorithm is its object identifier in dotted form.
	Algorithm string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("the %s uses algorithm %s, which is not supported", e.What, e.Algorithm)
}

// Opener decrypts the parts of one file, whose work it adds up. It is for one goroutine.
type Opener struct {
	password string
	// nothing: an empty password is no byte at all in PKCS#12, and not the two of an empty string.
	nothing bool
	spent   int
}

// NewOpener is an opener with this password, in UTF-8. A password that is no UTF-8 is taken for
// Latin-1.
func NewOpener(password string) *Opener {
	if !utf8.ValidString(password) {
		var out []rune
		for _, b := range []byte(password) {
			out = append(out, rune(b))
		}
		password = string(out)
	}
	return &Opener{password: password}
}

// Decrypt decrypts what was encrypted by an algorithm, which is the DER of an
// AlgorithmIdentifier. It returns [ErrWrongPassword] if the padding tells that the password is
// wrong. One wrong password in 256 is not noticed here, but by what the outcome looks like.
func (o *Opener) Decrypt(algorithm, ciphertext []byte) ([]byte, error) {
	oid, parameters, err := readAlgorithm(algorithm)
	if err != nil {
		return nil, err
	}
	var block cipher.Block
	var iv []byte
	if oid == oidPBES2 {
		block, iv, err = o.pbes2(parameters)
	} else {
		block, iv, err = o.pbes1(oid, parameters)
	}
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(iv) != size {
		return nil, errDamaged
	}
	if len(ciphertext) == 0 || len(ciphertext)%size != 0 {
		return nil, fmt.Errorf("what is encrypted has %d bytes, expected blocks of %d: it is cut off or damaged", len(ciphertext), size)
	}
	plain := make([]byte, len(ciphertext))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, ciphertext)
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > size {
		return nil, ErrWrongPassword
	}
	for _, b := range plain[len(plain)-padding:] {
		if int(b) != padding {
			return nil, ErrWrongPassword
		}
	}
	return plain[:len(plain)-padding], nil
}

// spend counts iterations against the bounds.
func (o *Opener) spend(iterations int) error {
	if iterations < 1 {
		return errDamaged
	}
	if iterations > MaxIterations || o.spent+iterations > maxTotal {
		return ErrTooMuchWork
	}
	o.spent += iterations
	return nil
}

// bmp is the password as the schemes of PKCS#12 take it: UTF-16, big-endian, with a zero at its end.
func (o *Opener) bmp() []byte {
	if o.password == "" && o.nothing {
		return nil
	}
	return bmpPassword(o.password)
}

func bmpPassword(password string) []byte {
	var out []byte
	for _, unit := range append(utf16.Encode([]rune(password)), 0) {
		out = append(out, byte(unit>>8), byte(unit))
	}
	return out
}

// readAlgorithm takes an AlgorithmIdentifier apart.
func readAlgorithm(der []byte) (oid string, parameters cryptobyte.String, err error) {
	in := cryptobyte.String(der)
	var body cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !in.Empty() {
		return "", nil, errDamaged
	}
	var id cryptobyte.String
	if !body.ReadASN1(&id, cbasn1.OBJECT_IDENTIFIER) || len(id) > 30 {
		return "", nil, errDamaged
	}
	return dotted(id), body, nil
}

// readIterations reads a count; one that does not fit is too much.
func readIterations(in *cryptobyte.String) (int, error) {
	var raw cryptobyte.String
	if !in.ReadASN1(&raw, cbasn1.INTEGER) || len(raw) == 0 || raw[0]&0x80 != 0 {
		return 0, errDamaged
	}
	n := 0
	for _, b := range raw {
		if n = n<<8 | int(b); n > MaxIterations {
			return 0, ErrTooMuchWork
		}
	}
	return n, nil
}

// dotted is the text of the content of an OBJECT IDENTIFIER. Every byte string has one, so that an
// unknown algorithm can be named whatever it is.
func dotted(content []byte) string {
	var out []byte
	n, first := uint64(0), true
	for _, b := range content {
		if n > 1<<56 {
			return "unknown"
		}
		n = n<<7 | uint64(b&0x7f)
		if b&0x80 != 0 {
			continue
		}
		if first {
			top := min(n/40, 2)
			out = fmt.Appendf(out, "%d.%d", top, n-40*top)
			first = false
		} else {
			out = fmt.Appendf(out, ".%d", n)
		}
		n = 0
	}
	return string(out)
}
