// A module that throws through functions with landing pads, and a constructor.
struct Number {
	int value;
};
struct Guard {
	int &counter;
	~Guard() { counter++; }
};
static int destroyed;
__attribute__((noinline)) static int fail(int n) {
	if (n > 2)
		throw Number{n};
	return n;
}
__attribute__((noinline)) static int through(int n) {
	Guard guard{destroyed};
	return fail(n) + 1;
}
extern "C" int dep_value(void);
extern "C" int mod_value(void) {
	int sum = 0;
	for (int n = 1; n < 5; n++) {
		try {
			sum += through(n);
		} catch (const Number &number) {
			sum += 10 * number.value;
		}
	}
	return sum + destroyed + dep_value();
}
