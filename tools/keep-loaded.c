/* Preloaded by the memory checks: libraries stay mapped when Lua closes its state, so that the
 * checkers can name the functions of their stack traces, and see pointers that lie in their data. */
int dlclose(void *handle);

__attribute__((visibility("default"))) int dlclose(void *handle) {
  (void)handle;
  return 0;
}
