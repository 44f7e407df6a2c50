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

/* ---- wishes and arrivals ---- */

#define SKU STR("CAM-7")

static struct rec_wish wish_of(struct rig *r, struct hilo_id id)
{
    struct key k = key_of_id(id);
    struct rec_wish w;

    OK(r, store_record(r->store, TABLE_WISH, key_str(&k), &rec_desc_wish, r->arena, &w, &r->err));
    return w;
}

static bool stock_of(struct rig *r, struct hilo_id id, struct rec_stock *s)
{
    struct key k = key_stock(SKU, id);

    return store_record(r->store, TABLE_STOCK, key_str(&k), &rec_desc_stock, r->arena, s, &r->err) == HILO_OK;
}

static struct hilo_id wish(struct rig *r, const struct person *p)
{
    struct hilo_id id = rig_id(r);

    EMIT(r, wish_added, .id = id, .customer = p->customer, .sku = SKU, .size = STR("M"), .at = 5);
    return id;
}

static struct hilo_id arrive(struct rig *r, uint64_t n)
{
    struct hilo_id id = rig_id(r);

    EMIT(r, stock_arrived, .id = id, .sku = SKU, .quantity = n, .hold = 1000, .title = STR("Camisa"));
    return id;
}

static struct hilo_id offer(struct rig *r, const struct person *p, struct hilo_id w, struct hilo_id stock,
                            uint64_t until)
{
    struct hilo_id m = rig_accept(r, p, (struct draft){0});

    EMIT(r, wish_offered, .id = w, .stock = stock, .message = m, .until = until);
    return m;
}

static void offers_are_held_lapse_and_are_fulfilled(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233"), q = rig_person(r, "+573004445566");
    struct hilo_id a = wish(r, &p), b = wish(r, &q), c = wish(r, &q), stock = arrive(r, 2);
    struct rec_stock s;

    assert_true(stock_of(r, stock, &s));
    assert_int_equal(s.ready, 1);
    assert_int_equal(s.left, 2);
    offer(r, &p, a, stock, 5000);
    offer(r, &q, b, stock, 6000);
    EMIT(r, stock_rested, .id = stock, .sku = SKU);
    assert_true(stock_of(r, stock, &s));
    assert_int_equal(s.open, 2);
    assert_int_equal(s.ready, 0);
    assert_int_equal(rig_count(r, TABLE_STOCK_DUE), 2); /* both offers' ends */
    assert_int_equal(rig_count(r, TABLE_WISH_SKU), 3);
    rig_clean(r);

    /* One lapses: there is more to offer. */
    EMIT(r, wish_settled, .id = a, .status = WISH_LAPSED);
    assert_int_equal(wish_of(r, a).status, WISH_LAPSED);
    assert_true(stock_of(r, stock, &s));
    assert_int_equal(s.open, 1);
    assert_int_equal(s.ready, 1);
    assert_int_equal(rig_count(r, TABLE_WISH_SKU), 2);
    offer(r, &q, c, stock, 7000);
    rig_clean(r);

    /* A sale to one of the two who hold one, then one to anybody: nothing is left, and it is at its end. */
    EMIT(r, stock_sold, .id = stock, .sku = SKU, .quantity = 1);
    EMIT(r, wish_settled, .id = b, .status = WISH_FULFILLED, .sale = rig_id(r));
    assert_true(stock_of(r, stock, &s));
    assert_int_equal(s.left, 1);
    assert_int_equal(s.open, 1);
    EMIT(r, stock_sold, .id = stock, .sku = SKU, .quantity = 5);
    assert_false(stock_of(r, stock, &s));
    rig_clean(r);
    EMIT(r, wish_settled, .id = c, .status = WISH_LAPSED);
    /* Who came late buys all the same. */
    EMIT(r, wish_settled, .id = c, .status = WISH_FULFILLED, .sale = rig_id(r));
    assert_int_equal(wish_of(r, c).status, WISH_FULFILLED);
    assert_int_equal(rig_count(r, TABLE_STOCK_DUE), 0);
    assert_int_equal(rig_count(r, TABLE_WISH_SKU), 0);
    rig_clean(r);
}

/* What never left was no offer, however it came to its end; what was read and failed later neither. */
static void a_message_that_never_left_gives_its_turn_back(void **state)
{
    static const uint64_t ends[] = {HILO_STATUS_SUPPRESSED, HILO_STATUS_EXPIRED, HILO_STATUS_CANCELED,
                                    HILO_STATUS_FAILED};
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct rec_stock s;

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct hilo_id w = wish(r, &p), stock = arrive(r, 1), m = offer(r, &p, w, stock, 9000 + i);
        EMIT(r, stock_rested, .id = stock, .sku = SKU);
        if (ends[i] == HILO_STATUS_FAILED) {
            rig_claim(r, m);
            rig_report(r, m, HILO_STATUS_FAILED, "");
        } else {
            EMIT(r, message_settled, .id = m, .status = ends[i]);
        }
        assert_int_equal(wish_of(r, w).status, WISH_WAITING);
        assert_true(stock_of(r, stock, &s));
        assert_int_equal(s.open, 0);
        assert_int_equal(s.ready, 1);
        assert_true(s.turn >= wish_of(r, w).number); /* but not again of this arrival */
        assert_int_equal(rig_count(r, TABLE_STOCK_DUE), 1);
        rig_clean(r);
        EMIT(r, stock_rested, .id = stock, .sku = SKU, .ended = 1);
        EMIT(r, wish_settled, .id = w, .status = WISH_CANCELED);
    }
    struct hilo_id w = wish(r, &p), stock = arrive(r, 1), m = offer(r, &p, w, stock, 9100);
    rig_claim(r, m);
    rig_report(r, m, HILO_STATUS_SENT, "wamid.1");
    assert_int_equal(wish_of(r, w).status, WISH_OFFERED);
    EMIT(r, wish_settled, .id = w, .status = WISH_FULFILLED);
    rig_receipt(r, m, "wamid.1", HILO_STATUS_FAILED);
    assert_int_equal(wish_of(r, w).status, WISH_FULFILLED);
    rig_clean(r);
}

static void who_comes_later_readies_what_is_there(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id a = wish(r, &p), stock = arrive(r, 2);
    struct rec_stock s;

    EMIT(r, wish_passed, .id = a, .stock = stock, .reason = STR("no_address"));
    assert_true(str_eq(wish_of(r, a).reason, STR("no_address")));
    assert_int_equal(wish_of(r, a).status, WISH_WAITING);
    EMIT(r, stock_rested, .id = stock, .sku = SKU);
    assert_int_equal(rig_count(r, TABLE_STOCK_DUE), 0);
    struct hilo_id b = wish(r, &p);
    assert_true(stock_of(r, stock, &s));
    assert_int_equal(s.ready, 1);
    assert_int_equal(s.passed, 1);
    offer(r, &p, b, stock, 4000);
    rig_clean(r);
}

/* ---- visits, sales, notes ---- */

static void visits_and_sales_are_found_by_customer_and_number(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id visit = rig_id(r), sale = rig_id(r), other = rig_id(r);

    EMIT(r, visit_recorded, .id = visit, .customer = p.customer, .purpose = STR("exchange"), .at = 100);
    EMIT(r, sale_recorded, .id = sale, .customer = p.customer, .number = STR("A-1"), .currency = STR("COP"),
         .total = STR("129900.00"), .items = STR("[]"), .at = 200);
    EMIT(r, sale_recorded, .id = other, .customer = p.customer, .number = STR("A-1"), .currency = STR("COP"),
         .total = STR("1"), .items = STR("[]"), .at = 150);
    assert_true(rig_has(r, TABLE_DEAL_CUSTOMER, key_deal_customer(p.customer, DEAL_VISIT, 100, visit)));
    assert_true(rig_has(r, TABLE_DEAL_CUSTOMER, key_deal_customer(p.customer, DEAL_SALE, 200, sale)));
    assert_true(rig_has(r, TABLE_DEAL, key_of_id(other)));
    assert_true(rig_has(r, TABLE_SALE_NUMBER, key_sale_number(STR("A-1"), other)));
    assert_int_equal(rig_count(r, TABLE_SALE_NUMBER), 2);
    rig_clean(r);
}

static void a_note_is_in_the_thread_and_the_case_and_in_no_queue(void **state)
{
    struct rig *r = *state;
    struct person p = rig_person(r, "+573001112233");
    struct hilo_id c = rig_id(r), id = rig_id(r), before = rig_accept(r, &p, (struct draft){0});
    struct hilo_writer w;

    EMIT(r, case_opened, .id = c, .customer = p.customer, .subject = STR("TV"), .status = CASE_OPEN);
    arena_writer(r->arena, &w);
    hilo_put_u64(&w, HILO_T_MSG_KIND, HILO_KIND_NOTE);
    hilo_put_id(&w, HILO_T_MSG_ID, id);
    hilo_put_id(&w, HILO_T_MSG_CUSTOMER, p.customer);
    hilo_put_id(&w, HILO_T_MSG_CASE, c);
    EMIT(r, case_noted, .id = id, .message = hilo_written(&w));
    const struct rec_message m = rig_message(r, id);
    assert_int_equal(m.kind, HILO_KIND_NOTE);
    assert_int_equal(m.place, PLACE_NONE);
    assert_true(id_eq(m.before, before));
    assert_int_equal(rig_count(r, TABLE_CASE_MESSAGE), 1);
    assert_int_equal(rig_count(r, TABLE_DUE), 1); /* the message's */
    rig_clean(r);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_look_up_is_found_by_time_and_by_customer),
        TEST(the_check_finds_a_look_up_of_somebody_who_is_not_there),
        TEST(offers_are_held_lapse_and_are_fulfilled),
        TEST(a_message_that_never_left_gives_its_turn_back),
        TEST(who_comes_later_readies_what_is_there),
        TEST(visits_and_sales_are_found_by_customer_and_number),
        TEST(a_note_is_in_the_thread_and_the_case_and_in_no_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
