/*
 * Tokens in addresses: what comes back is what was put in, and nothing else is.
 */
#include "../../plugins/email/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>

static const uint8_t keys[2][TOKEN_KEY] = {{1, 2, 3}, {4, 5, 6}};
static const struct hilo_id id = {{0x01, 0x93, 0xff, 0, 0xa5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0x80, 0x01}};

static struct hilo_str str(const char *s)
{
    struct hilo_str r = {s, strlen(s)};
    return r;
}

static void a_token_is_read_whatever_its_case(void **state)
{
    char token[TOKEN_MAX], upper[TOKEN_MAX];
    struct hilo_id got;
    size_t i;

    (void)state;
    token_make(TOKEN_REPLY, id, keys[1], token);
    assert_int_equal(strspn(token, "0123456789abcdefghijklmnopqrstuvwxyz"), strlen(token));
    for (i = 0; i <= strlen(token); i++)
        upper[i] = token[i] >= 'a' && token[i] <= 'z' ? (char)(token[i] - 32) : token[i];
    /* Made by the key before the newest, and still known. */
    assert_true(token_read(TOKEN_REPLY, str(token), keys, 2, &got));
    assert_memory_equal(got.b, id.b, sizeof id.b);
    memset(&got, 0, sizeof got);
    assert_true(token_read(TOKEN_REPLY, str(upper), keys, 2, &got));
    assert_memory_equal(got.b, id.b, sizeof id.b);
    assert_false(token_read(TOKEN_REPLY, str(token), keys, 1, &got));
    assert_false(token_read(TOKEN_BOUNCE, str(token), keys, 2, &got));
}

static void any_other_character_is_a_forgery(void **state)
{
    static const char set[] = "0123456789abcdefghjkmnpqrstvwxyz\xff@+ ";
    char token[TOKEN_MAX], forged[TOKEN_MAX];
    struct hilo_id got;
    size_t i, j;

    (void)state;
    token_make(TOKEN_BOUNCE, id, keys[0], token);
    for (i = 0; token[i]; i++)
        for (j = 0; set[j]; j++) {
            memcpy(forged, token, sizeof forged);
            forged[i] = set[j];
            if (strcasecmp(forged, token) != 0)
                assert_false(token_read(TOKEN_BOUNCE, str(forged), keys, 2, &got));
        }
    /* Shorter, longer, of another kind with the rest as it is, nothing. */
    forged[0] = '\0';
    assert_false(token_read(TOKEN_BOUNCE, str(forged), keys, 2, &got));
    forged[0] = (char)0;
    (void)strcat(strcat(forged, token), "0");
    assert_false(token_read(TOKEN_BOUNCE, str(forged), keys, 2, &got));
    token[strlen(token) - 1] = '\0';
    assert_false(token_read(TOKEN_BOUNCE, str(token), keys, 2, &got));
    token_make(TOKEN_BOUNCE, id, keys[0], token);
    token[0] = 'r';
    assert_false(token_read(TOKEN_REPLY, str(token), keys, 2, &got));
}

static void it_stands_in_addresses(void **state)
{
    char token[TOKEN_MAX], address[256];
    struct hilo_id got;

    (void)state;
    token_make(TOKEN_REPLY, id, keys[0], token);
    assert_true(token_address(str("soporte@tienda.example"), '+', token, address, sizeof address));
    assert_int_equal(strncmp(address, "soporte+r0", 10), 0);
    assert_true(token_read(TOKEN_REPLY, token_in(str(address), '+'), keys, 2, &got));
    assert_true(token_address(str("soporte@r.tienda.example"), 0, token, address, sizeof address));
    assert_int_equal(strncmp(address, "r0", 2), 0);
    assert_string_equal(strchr(address, '@'), "@r.tienda.example");
    assert_true(token_read(TOKEN_REPLY, token_in(str(address), 0), keys, 2, &got));
    /* No room, no address, a local part that would be too long. */
    assert_false(token_address(str("soporte@tienda.example"), '+', token, address, 60));
    assert_false(token_address(str("soporte"), '+', token, address, sizeof address));
    assert_false(token_address(str("@tienda.example"), '+', token, address, sizeof address));
    assert_false(token_address(str("soporte@"), '+', token, address, sizeof address));
    assert_false(
        token_address(str("servicio.al.cliente.del.sur@x.example"), '+', token, address, sizeof address));
    assert_int_equal(token_in(str("soporte@tienda.example"), '+').n, 0);
    assert_int_equal(token_in(str("soporte+x"), '+').n, 0);
    assert_int_equal(token_in(str(""), '+').n, 0);
    assert_int_equal(token_in(str("a+b+c@d"), '+').n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_read_whatever_its_case),
        cmocka_unit_test(any_other_character_is_a_forgery),
        cmocka_unit_test(it_stands_in_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
