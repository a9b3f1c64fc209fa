/** One line of the script before which a step is called. */
export interface SteppedLine {
  /** Counted from 1, as an editor does. */
  readonly line: number;
  /** The function it stands in; null at the top level. */
  readonly within: string | null;
  /** Its first command and what follows, without a `case` pattern. */
  readonly text: string;
}

/** The script with a call of `at LINE` before each line that is executed. */
export interface SteppedScript {
  readonly text: string;
  readonly lines: readonly SteppedLine[];
}

/** The beginning of a line that is part of a construct and executes nothing by itself. */
const structure = /^(?:fi|done|esac|else|do|then|\}|\)|;;)(?![\w=])/;
/** The end of a line whose command goes on in the next one. */
const goesOn = /(?:\\|&&|\|\||\|)$/;
const functionHead = /^([a-z_]+)\(\) \{ ?/;
const caseHead = /^(?:case\b|[^ ]+\) case\b).* in$/;
const casePattern = /^(?:'[^']*'|"[^"]*"|\\.|[^'"\\)])*\) /;
const condition = /^(?:if|elif|while|until) /;

/**
 * Puts a step before each line of a shell script that is executed; the prelude, which has to define `at`, follows the first line. It
 * knows the script as it is written here: a command begins a line, so does a `case` pattern, and there are no here-documents. A script
 * that it misreads is no shell any more, or does something else than before, and whoever uses it would see that.
 */
export function steppedScript(script: string, { prelude, except }: { readonly prelude: string; readonly except: readonly string[] }): SteppedScript {
  const lines: SteppedLine[] = [];
  let within: string | null = null;
  let isQuoted = false;
  let isContinued = false;
  let openCases = 0;
  let isPatternNext = false;

  function step(text: string, position: number): string {
    const { code, isOpen } = codeOf(text, isQuoted);
    const goesOnFromBefore = isContinued || isQuoted;
    isQuoted = isOpen;
    isContinued = goesOn.test(code);
    if (goesOnFromBefore || code === '') return text;
    const head = functionHead.exec(text);
    if (head !== null) within = head[1] ?? null;
    const indent = text.length - text.trimStart().length;
    const place = head === null ? indent + placeOf(code, isPatternNext) : head[0].length;
    const isOnlyHead = head !== null && !code.endsWith('}');
    const isEmpty = place - indent >= code.length || text.slice(place).startsWith(';;');
    const isStepped = !isOnlyHead && !isEmpty && !structure.test(code) && !except.includes(within ?? '');
    if (isStepped) lines.push({ line: position + 1, within, text: text.slice(place) });
    if (code.startsWith('esac')) openCases -= 1;
    if (caseHead.test(code)) openCases += 1;
    isPatternNext = openCases > 0 && (caseHead.test(code) || code.endsWith(';;'));
    if (text.startsWith('}') || (head !== null && code.endsWith('}'))) within = null;
    return isStepped ? `${text.slice(0, place)}at ${position + 1}; ${text.slice(place)}` : text;
  }

  const [first = '', ...rest] = script.split('\n').map(step);
  return { text: [first, prelude, ...rest].join('\n'), lines };
}

/** How far into its code the first command of a line begins. */
function placeOf(code: string, isPattern: boolean): number {
  if (!isPattern || code.startsWith('esac')) return condition.exec(code)?.[0].length ?? 0;
  return casePattern.exec(code)?.[0].length ?? code.length;
}

/** A line without indentation and comment, and whether a single-quoted string goes on behind it. */
function codeOf(text: string, isQuoted: boolean): { readonly code: string; readonly isOpen: boolean } {
  let quote = isQuoted ? "'" : '';
  for (let position = 0; position < text.length; position++) {
    const character = text[position] ?? '';
    if (quote === "'") quote = character === "'" ? '' : quote;
    else if (character === '\\') position++;
    else if (quote === '"') quote = character === '"' ? '' : quote;
    else if (character === "'" || character === '"') quote = character;
    else if (character === '#' && (position === 0 || text[position - 1] === ' ')) return { code: text.slice(0, position).trim(), isOpen: false };
  }
  return { code: text.trim(), isOpen: quote === "'" };
}
