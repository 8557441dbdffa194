/* A library with one function that asks another library.
 * -DFUNCTION=f -DCALLEE=g -DVALUE=1 */
extern int CALLEE(void);
int FUNCTION(void) { return CALLEE() + VALUE; }
