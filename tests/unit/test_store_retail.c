/*
 * What happens at a counter, in the store: look-ups and their indexes. Each ends with a check that builds
 * the context anew and compares.
 */
#include "test_store_tools.h"

#include "store/keys.h"

static struct rec_audit audit_at(struct rig *r, int64_t time, uint64_t seq)
{
    struct key k = key_audit((uint64_t)time, seq);
    struct rec_audit rec;

    OK(r, store_record(r->store, TABLE_AUDIT, key_str(&k), &rec_desc_audit, r->arena, &rec, &r->err));
    return rec;
}

static void a_look_up_is_found_by_time_and_by_customer(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    int64_t when = r->now;

    EMIT(r, customer_looked_up, .customer = p.customer, .by = LOOKUP_DOCUMENT, .reason = STR("warranty"),
         .store = STR("CENTRO"), .terminal = STR("3"), .clerk = STR("ana"));
    const struct rec_audit a = audit_at(r, when, r->seq);
    assert_true(id_eq(a.customer, p.customer));
    assert_true(str_eq(a.store, STR("CENTRO")) && str_eq(a.terminal, STR("3")) &&
                str_eq(a.clerk, STR("ana")));
    assert_true(rig_has(r, TABLE_AUDIT_CUSTOMER, key_audit_customer(p.customer, (uint64_t)when, r->seq)));

    /* Nobody: an entry all the same, and in nobody's index. */
    when = r->now;
    EMIT(r, customer_looked_up, .by = LOOKUP_PHONE, .reason = STR("typo"), .hash = STR("0123456789"));
    assert_true(id_none(audit_at(r, when, r->seq).customer));
    assert_int_equal(rig_count(r, TABLE_AUDIT), 2);
    assert_int_equal(rig_count(r, TABLE_AUDIT_CUSTOMER), 1);
    rig_clean(r);
}

/* What the check would say of an index that is not what its events are. */
static void the_check_finds_a_look_up_of_somebody_who_is_not_there(void **state)
{
    struct rig *r = *state;

    EMIT(r, customer_looked_up, .customer = rig_id(r), .by = LOOKUP_CUSTOMER, .reason = STR("?"));
    store_close(&r->store);
    assert_int_equal(rig_check(r), HILO_CORRUPT);
    assert_non_null(strstr(r->listing, "AUDIT"));
    assert_non_null(strstr(r->listing, "its customer does not exist"));
    rig_open(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_look_up_is_found_by_time_and_by_customer, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(the_check_finds_a_look_up_of_somebody_who_is_not_there, rig_setup,
                                        rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
