/* The versions that these functions had when manylinux_2_17 was new, for a
   compiler that links against a younger C library. */
__asm__(".symver pthread_create, pthread_create@GLIBC_2.3");
__asm__(".symver pthread_join, pthread_join@GLIBC_2.3");
__asm__(".symver dladdr, dladdr@GLIBC_2.3");
