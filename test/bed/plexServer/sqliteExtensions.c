/*
 * What Plex's own SQLite has and a stock one lacks: the collations icu_root and naturalsort, the full-text tokenizer
 * "collating" and the module spellfix1. Registered for every connection of this process.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static int is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
static unsigned char fold(unsigned char c) { return (c >= 'A' && c <= 'Z') ? (unsigned char)(c + 32) : c; }

/* UTF-8 keeps the order of code points in the order of its bytes, so comparing bytes compares code points. */
static int collate_root(void *unused, int length_a, const void *raw_a, int length_b, const void *raw_b) {
  const unsigned char *a = raw_a, *b = raw_b;
  int i = 0, j = 0;
  (void)unused;
  while (i < length_a && j < length_b) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      int start_a, start_b, digits_a, digits_b, order;
      while (i < length_a && a[i] == '0') i++;
      while (j < length_b && b[j] == '0') j++;
      start_a = i;
      start_b = j;
      while (i < length_a && is_digit(a[i])) i++;
      while (j < length_b && is_digit(b[j])) j++;
      digits_a = i - start_a;
      digits_b = j - start_b;
      if (digits_a != digits_b) return digits_a < digits_b ? -1 : 1;
      order = memcmp(a + start_a, b + start_b, (size_t)digits_a);
      if (order != 0) return order;
      continue;
    }
    if (fold(a[i]) != fold(b[j])) return (int)fold(a[i]) - (int)fold(b[j]);
    i++;
    j++;
  }
  if (i < length_a) return 1;
  if (j < length_b) return -1;
  {
    int shorter = length_a < length_b ? length_a : length_b;
    int order = memcmp(raw_a, raw_b, (size_t)shorter);
    return order != 0 ? order : length_a - length_b;
  }
}

/* The tokenizer interface of FTS3/4 is part of no installed header; this is its documented layout. */
typedef struct tokenizer_module tokenizer_module;
typedef struct { const tokenizer_module *module; } tokenizer;
typedef struct { tokenizer *owner; } token_cursor;
struct tokenizer_module {
  int version;
  int (*create)(int argc, const char *const *argv, tokenizer **result);
  int (*destroy)(tokenizer *instance);
  int (*open)(tokenizer *instance, const char *input, int length, token_cursor **result);
  int (*close)(token_cursor *cursor);
  int (*next)(token_cursor *cursor, const char **token, int *length, int *start, int *end, int *position);
};

typedef struct {
  token_cursor base;
  const char *input;
  int length, offset, position;
  char *token;
  int capacity;
} collating_cursor;

static int collating_create(int argc, const char *const *argv, tokenizer **result) {
  tokenizer *instance = sqlite3_malloc(sizeof(*instance));
  (void)argc;
  (void)argv;
  if (!instance) return SQLITE_NOMEM;
  memset(instance, 0, sizeof(*instance));
  *result = instance;
  return SQLITE_OK;
}

static int collating_destroy(tokenizer *instance) {
  sqlite3_free(instance);
  return SQLITE_OK;
}

static int collating_open(tokenizer *instance, const char *input, int length, token_cursor **result) {
  collating_cursor *cursor = sqlite3_malloc(sizeof(*cursor));
  (void)instance;
  if (!cursor) return SQLITE_NOMEM;
  memset(cursor, 0, sizeof(*cursor));
  cursor->input = input;
  cursor->length = input == 0 ? 0 : (length < 0 ? (int)strlen(input) : length);
  *result = &cursor->base;
  return SQLITE_OK;
}

static int collating_close(token_cursor *base) {
  collating_cursor *cursor = (collating_cursor *)base;
  sqlite3_free(cursor->token);
  sqlite3_free(cursor);
  return SQLITE_OK;
}

static int is_delimiter(unsigned char c) {
  return !(c >= 0x80 || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

static int collating_next(token_cursor *base, const char **token, int *length, int *start, int *end, int *position) {
  collating_cursor *cursor = (collating_cursor *)base;
  while (cursor->offset < cursor->length) {
    int from, count, i;
    while (cursor->offset < cursor->length && is_delimiter((unsigned char)cursor->input[cursor->offset])) cursor->offset++;
    from = cursor->offset;
    while (cursor->offset < cursor->length && !is_delimiter((unsigned char)cursor->input[cursor->offset])) cursor->offset++;
    count = cursor->offset - from;
    if (count == 0) continue;
    if (count > cursor->capacity) {
      char *larger = sqlite3_realloc(cursor->token, count + 20);
      if (!larger) return SQLITE_NOMEM;
      cursor->token = larger;
      cursor->capacity = count + 20;
    }
    for (i = 0; i < count; i++) cursor->token[i] = (char)fold((unsigned char)cursor->input[from + i]);
    *token = cursor->token;
    *length = count;
    *start = from;
    *end = cursor->offset;
    *position = cursor->position++;
    return SQLITE_OK;
  }
  return SQLITE_DONE;
}

static const tokenizer_module collating_module = {
  0, collating_create, collating_destroy, collating_open, collating_close, collating_next,
};

/* spellfix1: its rows are those of the shadow table NAME_vocab, which Plex leaves empty. */
typedef struct { sqlite3_vtab base; sqlite3 *db; char *schema; char *name; } spellfix_table;
typedef struct { sqlite3_vtab_cursor base; sqlite3_stmt *rows; int at_end; } spellfix_cursor;

static int spellfix_free(sqlite3_vtab *base) {
  spellfix_table *table = (spellfix_table *)base;
  sqlite3_free(table->schema);
  sqlite3_free(table->name);
  sqlite3_free(table);
  return SQLITE_OK;
}

static int run_formatted(sqlite3 *db, char *sql) {
  int rc = sql ? sqlite3_exec(db, sql, 0, 0, 0) : SQLITE_NOMEM;
  sqlite3_free(sql);
  return rc;
}

static int spellfix_init(int create, sqlite3 *db, const char *const *argv, sqlite3_vtab **result) {
  spellfix_table *table = sqlite3_malloc(sizeof(*table));
  int rc;
  if (!table) return SQLITE_NOMEM;
  memset(table, 0, sizeof(*table));
  table->db = db;
  table->schema = sqlite3_mprintf("%s", argv[1]);
  table->name = sqlite3_mprintf("%s", argv[2]);
  rc = sqlite3_declare_vtab(db,
    "CREATE TABLE x(word,rank,distance,langid,score,matchlen,phonehash HIDDEN,top HIDDEN,scope HIDDEN,srchcnt HIDDEN,soundslike HIDDEN,command HIDDEN)");
  if (rc == SQLITE_OK && create) {
    rc = run_formatted(db, sqlite3_mprintf(
      "CREATE TABLE IF NOT EXISTS \"%w\".\"%w_vocab\"(\n  id INTEGER PRIMARY KEY,\n  rank INT,\n  langid INT,\n  word TEXT,\n  k1 TEXT,\n  k2 TEXT\n);",
      table->schema, table->name));
    if (rc == SQLITE_OK)
      rc = run_formatted(db, sqlite3_mprintf(
        "CREATE INDEX IF NOT EXISTS \"%w\".\"%w_vocab_index_langid_k2\" ON \"%w_vocab\"(langid,k2);", table->schema, table->name, table->name));
  }
  if (rc != SQLITE_OK) {
    spellfix_free(&table->base);
    return rc;
  }
  *result = &table->base;
  return SQLITE_OK;
}

static int spellfix_create(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **result, char **error) {
  (void)aux; (void)argc; (void)error;
  return spellfix_init(1, db, argv, result);
}
static int spellfix_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **result, char **error) {
  (void)aux; (void)argc; (void)error;
  return spellfix_init(0, db, argv, result);
}
static int spellfix_destroy(sqlite3_vtab *base) {
  spellfix_table *table = (spellfix_table *)base;
  int rc = run_formatted(table->db, sqlite3_mprintf("DROP TABLE IF EXISTS \"%w\".\"%w_vocab\"", table->schema, table->name));
  return rc == SQLITE_OK ? spellfix_free(base) : rc;
}
static int spellfix_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  (void)base;
  info->estimatedCost = 1000000;
  return SQLITE_OK;
}
static int spellfix_open(sqlite3_vtab *base, sqlite3_vtab_cursor **result) {
  spellfix_cursor *cursor = sqlite3_malloc(sizeof(*cursor));
  (void)base;
  if (!cursor) return SQLITE_NOMEM;
  memset(cursor, 0, sizeof(*cursor));
  *result = &cursor->base;
  return SQLITE_OK;
}
static int spellfix_close(sqlite3_vtab_cursor *base) {
  spellfix_cursor *cursor = (spellfix_cursor *)base;
  sqlite3_finalize(cursor->rows);
  sqlite3_free(cursor);
  return SQLITE_OK;
}
static int spellfix_next(sqlite3_vtab_cursor *base) {
  spellfix_cursor *cursor = (spellfix_cursor *)base;
  int rc = sqlite3_step(cursor->rows);
  cursor->at_end = rc != SQLITE_ROW;
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}
static int spellfix_filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc, sqlite3_value **argv) {
  spellfix_cursor *cursor = (spellfix_cursor *)base;
  spellfix_table *table = (spellfix_table *)base->pVtab;
  char *sql = sqlite3_mprintf("SELECT word, rank, langid, id FROM \"%w\".\"%w_vocab\"", table->schema, table->name);
  int rc;
  (void)number; (void)text; (void)argc; (void)argv;
  if (!sql) return SQLITE_NOMEM;
  sqlite3_finalize(cursor->rows);
  cursor->rows = 0;
  rc = sqlite3_prepare_v2(table->db, sql, -1, &cursor->rows, 0);
  sqlite3_free(sql);
  return rc == SQLITE_OK ? spellfix_next(base) : rc;
}
static int spellfix_eof(sqlite3_vtab_cursor *base) { return ((spellfix_cursor *)base)->at_end; }
static int spellfix_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  sqlite3_stmt *rows = ((spellfix_cursor *)base)->rows;
  if (column == 0) sqlite3_result_value(context, sqlite3_column_value(rows, 0));
  if (column == 1) sqlite3_result_value(context, sqlite3_column_value(rows, 1));
  if (column == 3) sqlite3_result_value(context, sqlite3_column_value(rows, 2));
  return SQLITE_OK;
}
static int spellfix_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = sqlite3_column_int64(((spellfix_cursor *)base)->rows, 3);
  return SQLITE_OK;
}
static int spellfix_rename(sqlite3_vtab *base, const char *name) {
  spellfix_table *table = (spellfix_table *)base;
  return run_formatted(table->db, sqlite3_mprintf("ALTER TABLE \"%w\".\"%w_vocab\" RENAME TO \"%w_vocab\"", table->schema, table->name, name));
}

static sqlite3_module spellfix_module = {
  .iVersion = 1,
  .xCreate = spellfix_create,
  .xConnect = spellfix_connect,
  .xBestIndex = spellfix_best_index,
  .xDisconnect = spellfix_free,
  .xDestroy = spellfix_destroy,
  .xOpen = spellfix_open,
  .xClose = spellfix_close,
  .xFilter = spellfix_filter,
  .xNext = spellfix_next,
  .xEof = spellfix_eof,
  .xColumn = spellfix_column,
  .xRowid = spellfix_rowid,
  .xRename = spellfix_rename,
};

static int register_tokenizer(sqlite3 *db) {
  const tokenizer_module *module = &collating_module;
  sqlite3_stmt *statement = 0;
  int rc = sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 1, 0);
  if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(db, "SELECT fts3_tokenizer('collating', ?)", -1, &statement, 0);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_blob(statement, 1, &module, sizeof(module), SQLITE_STATIC);
  sqlite3_step(statement);
  return sqlite3_finalize(statement);
}

static int register_on_connection(sqlite3 *db, char **error, const void *api) {
  int rc = sqlite3_create_collation(db, "icu_root", SQLITE_UTF8, 0, collate_root);
  (void)api;
  if (rc == SQLITE_OK) rc = sqlite3_create_collation(db, "naturalsort", SQLITE_UTF8, 0, collate_root);
  if (rc == SQLITE_OK) rc = sqlite3_create_module(db, "spellfix1", &spellfix_module, 0);
  if (rc == SQLITE_OK) rc = register_tokenizer(db);
  if (rc != SQLITE_OK) *error = sqlite3_mprintf("Cannot register Plex's SQLite extensions: %s", sqlite3_errmsg(db));
  return rc;
}

int register_plex_extensions(void) {
  return sqlite3_auto_extension((void (*)(void))register_on_connection);
}
