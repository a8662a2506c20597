package keystore_test

import (
	"os"
	"path/filepath"
	"testing"

	"example.com/gatehouse/pki/keystore"
	"github.com/stretchr/testify/require"
)

// How much longer it takes to write the files of a certificate than to write their bytes alone:
// "bytes" is os.WriteFile, "write" is Write with everything that is encoded anew each time, and
// "encode" what of that is encoding.
func BenchmarkWriteFiles(b *testing.B) {
	_, _, leaf := chain()
	for name, o := range map[string]keystore.Options{"plain": {}, "password": {Password: password}} {
		files, err := keystore.Files(leaf, o)
		require.NoError(b, err)
		fresh := func(b *testing.B) string {
			b.StopTimer()
			dir, err := os.MkdirTemp(b.TempDir(), "")
			require.NoError(b, err)
			b.StartTimer()
			return dir
		}
		b.Run(name+"/bytes", func(b *testing.B) {
			for range b.N {
				dir := fresh(b)
				for _, f := range files {
					if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, f.Mode); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(name+"/write", func(b *testing.B) {
			for range b.N {
				if _, err := keystore.Write(fresh(b), leaf, o); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/encode", func(b *testing.B) {
			for range b.N {
				if _, err := keystore.Files(leaf, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	_, _, leaf := chain()
	for _, e := range []keystore.Export{keystore.FullChainFile, keystore.PKCS7File, keystore.PKCS12File, keystore.JKSFile} {
		data := encoded(b, leaf, e)
		b.Run(string(e), func(b *testing.B) {
			for range b.N {
				if _, err := keystore.Read(data, password); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
