/* Loads images, each in a process of its own, so that one that crashes takes no
 * other along. Reads lines `load PATH` or `start PATH`, and answers each with a
 * line `STATUS TEXT`: the exit status, or minus the signal, and what the image
 * said on both outputs, with blanks for control characters. */
#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { seconds = 20 };

static void load(const char *path)
{
	void *image = dlopen(path, RTLD_NOW);
	const char *(*run)(void);
	if (!image) {
		puts(dlerror());
		fflush(stdout);
		_exit(1);
	}
	*(void **)&run = dlsym(image, "run");
	/* The libraries of a system may have another function of that name. */
	puts(run && dlsym(image, "seen") ? run() : "loaded");
	fflush(stdout);
	_exit(0);
}

static void child(const char *how, const char *path)
{
	alarm(seconds);
	if (!strcmp(how, "load"))
		load(path);
	execl(path, path, (char *)0);
	perror(path);
	_exit(127);
}

static void answer(const char *how, const char *path)
{
	int ends[2], status = 0;
	char text[8192];
	size_t used = 0;
	ssize_t n;
	if (pipe(ends))
		_exit(2);
	pid_t pid = fork();
	if (!pid) {
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		close(ends[0]);
		close(ends[1]);
		fclose(stdin);
		child(how, path);
	}
	close(ends[1]);
	while (used < sizeof text && (n = read(ends[0], text + used, sizeof text - used)) > 0)
		used += n;
	close(ends[0]);
	waitpid(pid, &status, 0);
	for (size_t i = 0; i < used; i++)
		if (iscntrl((unsigned char)text[i]))
			text[i] = ' ';
	printf("%d %.*s\n", WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status), (int)used, text);
	fflush(stdout);
}

int main(void)
{
	static char line[8192];
	while (fgets(line, sizeof line, stdin)) {
		char *path = strchr(line, ' ');
		line[strcspn(line, "\n")] = 0;
		if (!path)
			return 2;
		*path++ = 0;
		answer(line, path);
	}
	return 0;
}
