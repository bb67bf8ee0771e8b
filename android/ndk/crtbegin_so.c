// Stands in for the NDK's crtbegin_so.o: what a shared library has to bring along to be unloaded cleanly.
extern void __cxa_finalize(void *);
extern int __cxa_atexit(void (*)(void *), void *, void *);
extern int __register_atfork(void (*)(void), void (*)(void), void (*)(void), void *);
__attribute__((visibility("hidden"))) void *__dso_handle = &__dso_handle;
__attribute__((destructor)) static void on_dlclose(void) { __cxa_finalize(&__dso_handle); }
static void call0(void *f) { ((void (*)(void))f)(); }
__attribute__((visibility("hidden"))) int atexit(void (*f)(void)) { return __cxa_atexit(call0, (void *)f, &__dso_handle); }
__attribute__((visibility("hidden"))) int pthread_atfork(void (*a)(void), void (*b)(void), void (*c)(void)) { return __register_atfork(a, b, c, &__dso_handle); }
