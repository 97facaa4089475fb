import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPython } from './find-python.js';
function machineWith(options) {
    const pythons = { ...options.pythons };
    let installs = 0;
    const machine = {
        withFlask: async (command) => pythons[command],
        canInstall: async () => options.canInstall ?? false,
        installFlask: async () => {
            installs += 1;
            if (options.installs)
                pythons['/usr/bin/python3'] = options.installs;
        },
    };
    return { machine, installs: () => installs };
}
test('the python on the PATH comes first, then the system one', async () => {
    const both = machineWith({ pythons: { python3: '/opt/python3', '/usr/bin/python3': '/usr/bin/python3' } });
    assert.equal(await findPython(both.machine, ''), '/opt/python3');
    const system = machineWith({ pythons: { '/usr/bin/python3': '/usr/bin/python3' }, canInstall: true });
    assert.equal(await findPython(system.machine, ''), '/usr/bin/python3');
    assert.equal(system.installs(), 0);
});
test('Flask is installed where that is possible, and only then', async () => {
    const debian = machineWith({ canInstall: true, installs: '/usr/bin/python3' });
    assert.equal(await findPython(debian.machine, ''), '/usr/bin/python3');
    assert.equal(debian.installs(), 1);
    const other = machineWith({ canInstall: false, installs: '/usr/bin/python3' });
    await assert.rejects(findPython(other.machine, ''), /No Python with Flask.*pip install flask/);
    assert.equal(other.installs(), 0);
});
test('an install that brings nothing is an error', async () => {
    await assert.rejects(findPython(machineWith({ canInstall: true }).machine, ''), /No Python with Flask/);
});
test('PYTHON is used, and refused by name when it has no Flask', async () => {
    const { machine } = machineWith({ pythons: { python3: '/opt/python3', mine: '/home/me/python3' } });
    assert.equal(await findPython(machine, 'mine'), '/home/me/python3');
    await assert.rejects(findPython(machine, 'other'), /PYTHON is other/);
});
