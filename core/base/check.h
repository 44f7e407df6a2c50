/* Assertions on our own mistakes, on in every build. Never on input. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define CHECK(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))
_Noreturn void check_failed(const char *what, const char *file, int line);
/* For allocations of fixed, small size. */
_Noreturn void check_nomem(void);

#endif
