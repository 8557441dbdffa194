// A library that throws what its caller must catch.
#include <stdexcept>
#include <string>

extern "C" void thrower(int code) { throw std::out_of_range("thrown " + std::to_string(code)); }
