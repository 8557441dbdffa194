/* What compat_cxx.c is linked to in the place of libstdc++: names, with the versions that
 * libstdcxx.map gives them. Nothing of it is ever loaded. */

#define FUNCTION(name) void name(void) {}
#define DATA(name) const char *name[5] = {0};

FUNCTION(_ZSt9terminatev)
FUNCTION(_ZNSt8ios_base4InitC1Ev)
FUNCTION(_ZNSt8ios_base4InitD1Ev)
FUNCTION(_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE)
FUNCTION(_ZNSt7__cxx1119basic_ostringstreamIcSt11char_traitsIcESaIcEEC1ESt13_Ios_Openmode)
FUNCTION(_ZNSt7__cxx1119basic_istringstreamIcSt11char_traitsIcESaIcEEC1ESt13_Ios_Openmode)
FUNCTION(_ZNSt7__cxx1118basic_stringstreamIcSt11char_traitsIcESaIcEEC1ESt13_Ios_Openmode)
FUNCTION(_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE7reserveEm)
FUNCTION(_ZNSt13runtime_errorC1ERKS_)
FUNCTION(_ZNSt11logic_errorC1ERKS_)
FUNCTION(_ZNSt28__atomic_futex_unsigned_base19_M_futex_wait_untilEPjjbNSt6chrono8durationIlSt5ratioILl1ELl1EEEENS2_IlS3_ILl1ELl1000000000EEEE)
FUNCTION(__cxa_allocate_exception)
FUNCTION(__cxa_throw)
FUNCTION(__cxa_begin_catch)
FUNCTION(_ZNSt15__exception_ptr13exception_ptrC1ERKS0_)
FUNCTION(_ZNSt15__exception_ptr13exception_ptrD1Ev)
FUNCTION(_ZNSt20bad_array_new_lengthD1Ev)
DATA(_ZTVSt20bad_array_new_length)
DATA(_ZTISt20bad_array_new_length)
