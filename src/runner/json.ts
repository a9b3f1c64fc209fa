/** What can be written to the journal and read back unchanged. A `Date` or a class instance does not fit, so it does not compile. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
/** An object of such values; an absent optional member is allowed. */
export type JsonObject = { readonly [key: string]: Json | undefined };
