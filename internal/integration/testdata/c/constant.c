/* A library with one function that returns a constant. -DFUNCTION=f -DVALUE=1 */
int FUNCTION(void) { return VALUE; }
