/* What the extension knows of libdep and libextra. */
#if __has_include(<exception>)
#include <exception>
#else
/* Without the headers of a C++ library: every one of them exports this class. */
namespace std {
class exception {
public:
	exception() noexcept {}
	virtual ~exception() noexcept;
	virtual const char *what() const noexcept;
};
}
#endif

extern "C" {
void extra_note(const char *who);
const char *extra_notes(void);
int extra_count(void);
int extra_picked(void);
int extra_table(void);
int extra_bss(void);
}

/* Its vtable and typeinfo are in libdep alone. */
class Failure : public std::exception {
public:
	explicit Failure(int code) : code(code) {}
	~Failure() noexcept override;
	const char *what() const noexcept override;
	int code;
};

/* Counts the frames that an exception leaves through. */
class Guard {
public:
	~Guard();
	static int gone;
};

int dep_fail(int code);
int dep_call(int (*callback)(int), int argument);
int dep_thread_value();
int dep_threads_ended();
