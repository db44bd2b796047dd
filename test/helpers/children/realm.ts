// Run as `node --experimental-vm-modules realm.js own|context`: prints what the scenario gives, here or in a vm context.
import { readFileSync } from 'node:fs';
import vm from 'node:vm';
import { MODULES, type Modules } from '../scenario.js';

const dist = new URL('../../../dist/', import.meta.url);
const scenarioUrl = new URL('../scenario.js', import.meta.url).href;

const loaders: Record<string, () => Promise<(url: string) => Promise<any>>> = {
  own: async () => (url) => import(url),
  context: async () => {
    const { process, Buffer, URL, AbortController, AbortSignal, Event, EventTarget, console, structuredClone } =
      globalThis;
    const globals = {
      process,
      Buffer,
      URL,
      AbortController,
      AbortSignal,
      Event,
      EventTarget,
      console,
      structuredClone,
    };
    const context = vm.createContext(globals);
    const modules = new Map<string, Promise<vm.Module>>();
    const load = (id: string): Promise<vm.Module> => {
      const known = modules.get(id);
      if (known) return known;
      const made = id.startsWith('file:') ? source(id) : synthetic(id);
      modules.set(id, made);
      return made;
    };
    const resolve = (specifier: string, from: string) =>
      specifier.startsWith('.') ? new URL(specifier, from).href : specifier;
    const source = async (id: string) =>
      new vm.SourceTextModule(readFileSync(new URL(id), 'utf8'), {
        context,
        identifier: id,
        initializeImportMeta: (meta) => {
          meta.url = id;
        },
        importModuleDynamically: (async (specifier: string) => evaluated(resolve(specifier, id))) as never,
      });
    const synthetic = async (id: string) => {
      const namespace = await import(id);
      const names = Object.keys(namespace);
      return new vm.SyntheticModule(
        names,
        function () {
          for (const name of names) this.setExport(name, namespace[name]);
        },
        { context, identifier: id },
      );
    };
    const linked = (module: vm.Module) =>
      module.link(((specifier: string, from: vm.Module) => load(resolve(specifier, from.identifier))) as never);
    const evaluated = async (id: string) => {
      const module = await load(id);
      if (module.status === 'unlinked') await linked(module);
      await module.evaluate();
      return module;
    };
    return async (url) => (await evaluated(url)).namespace;
  },
};

const load = await loaders[process.argv[2]]();
const modules = {} as Record<string, unknown>;
for (const [name, path] of Object.entries(MODULES)) modules[name] = await load(new URL(path, dist).href);
const { scenario } = (await load(scenarioUrl)) as typeof import('../scenario.js');
process.stdout.write(JSON.stringify(await scenario(modules as unknown as Modules)));
