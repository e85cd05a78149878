// Counts the calls that wasm makes of the runtime: a module that is evaluated before the worker.

let calls = 0;
const { Instance } = WebAssembly;

const counted = (call) =>
  function (...args) {
    calls += 1;
    return call.apply(this, args);
  };

WebAssembly.Instance = function (module, imports) {
  const wrapped = {};
  for (const name in imports) {
    wrapped[name] = {};
    for (const [key, value] of Object.entries(imports[name])) {
      wrapped[name][key] = typeof value === "function" ? counted(value) : value;
    }
  }
  return new Instance(module, wrapped);
};

/** The number of calls so far. */
export const count = () => calls;
