/*
 * Answers jobs from standard input with the whole sequence of errors that X509_verify_cert
 * reports to a callback that always continues. One line per job:
 *
 *   <final error> [<code>@<depth> ...]     or     unreadable <index>
 *
 * A job is, with big-endian numbers: security level (4 octets), CRL check (4: 0 off, 1 leaf,
 * 2 all), depth (4), time (8), then three lists of DER - trusted, presented, CRLs - each as its
 * count (4) and per element its length (4) and its octets.
 */
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char line[1 << 16];
static size_t used;

static int record(int ok, X509_STORE_CTX *ctx)
{
    if (!ok && used < sizeof(line) - 64)
        used += (size_t)sprintf(line + used, " %d@%d", X509_STORE_CTX_get_error(ctx),
                                X509_STORE_CTX_get_error_depth(ctx));
    return 1;
}

static uint64_t number(int octets)
{
    uint64_t n = 0;
    for (int i = 0; i < octets; i++) {
        int c = getchar();
        if (c == EOF)
            exit(0);
        n = n << 8 | (uint64_t)c;
    }
    return n;
}

static unsigned char *element(size_t *len)
{
    *len = number(4);
    unsigned char *b = malloc(*len + 1);
    if (b == NULL || fread(b, 1, *len, stdin) != *len)
        exit(2);
    return b;
}

int main(void)
{
    for (;;) {
        int level = (int)number(4), crl_check = (int)number(4), depth = (int)number(4);
        time_t at = (time_t)number(8);
        STACK_OF(X509) *lists[2];
        int unreadable = -1;
        for (int l = 0; l < 2; l++) {
            lists[l] = sk_X509_new_null();
            int count = (int)number(4);
            for (int i = 0; i < count; i++) {
                size_t len;
                unsigned char *der = element(&len);
                const unsigned char *p = der;
                X509 *x = d2i_X509(NULL, &p, (long)len);
                if (x == NULL || p != der + len) {
                    if (unreadable < 0 && l == 1)
                        unreadable = i;
                    X509_free(x);
                } else {
                    sk_X509_push(lists[l], x);
                }
                free(der);
            }
        }
        STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
        int count = (int)number(4);
        for (int i = 0; i < count; i++) {
            size_t len;
            unsigned char *der = element(&len);
            const unsigned char *p = der;
            X509_CRL *c = d2i_X509_CRL(NULL, &p, (long)len);
            if (c != NULL)
                sk_X509_CRL_push(crls, c);
            free(der);
        }
        used = 0;
        line[0] = 0;
        if (unreadable >= 0) {
            printf("unreadable %d\n", unreadable);
        } else {
            X509_STORE *store = X509_STORE_new();
            X509_STORE_CTX *ctx = X509_STORE_CTX_new();
            X509_STORE_CTX_init(ctx, store, sk_X509_value(lists[1], 0), lists[1]);
            X509_STORE_CTX_set0_trusted_stack(ctx, lists[0]);
            X509_STORE_CTX_set0_crls(ctx, crls);
            X509_STORE_CTX_set_default(ctx, "ssl_client");
            X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
            X509_VERIFY_PARAM_set_auth_level(param, level);
            X509_VERIFY_PARAM_set_depth(param, depth);
            X509_VERIFY_PARAM_set_time(param, at);
            if (crl_check == 1)
                X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK);
            if (crl_check == 2)
                X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
            X509_STORE_CTX_set_verify_cb(ctx, record);
            X509_verify_cert(ctx);
            printf("%d%s\n", X509_STORE_CTX_get_error(ctx), line);
            X509_STORE_CTX_free(ctx);
            X509_STORE_free(store);
        }
        fflush(stdout);
        for (int l = 0; l < 2; l++)
            sk_X509_pop_free(lists[l], X509_free);
        sk_X509_CRL_pop_free(crls, X509_CRL_free);
    }
}
