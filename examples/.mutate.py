import os, shutil, subprocess
root='/work/main/examples'; tmp=root+'/.mutation-tmp'; node='/work/main/node_modules/.bin/node'
M=[
('secure/receiver.js',"TOLERANCE_SECONDS = 300","TOLERANCE_SECONDS = 300"),
('express-basic/receiver.js',"return isSameText(given, expected);","return true;"),
('express-basic/receiver.js',"{ limit: '2mb' }",""),
('express-basic/receiver.js',"left.length === right.length && ",""),
('express-basic/receiver.js',"JSON.stringify(request.body)).digest","JSON.stringify(request.body, null, 1)).digest"),
('express-basic/receiver.js',"  process.exit(1);\n}\n\nconst handlers","}\n\nconst handlers"),
('express-basic/receiver.js',"console.log(JSON.stringify({ received: event, delivery_id, summary }));","console.log(summary); console.log(JSON.stringify({ received: event, delivery_id, summary }));"),
('flask-basic/receiver.py',"signature.encode(), expected.encode()","signature, expected"),
('flask-basic/receiver.py',"if not is_signed","if False and not is_signed"),
('flask-basic/receiver.py',"2 * 1024 * 1024","512 * 1024"),
('secure/receiver.js',"TOLERANCE_SECONDS = 300","TOLERANCE_SECONDS = 3000"),
('secure/receiver.js',"TOLERANCE_SECONDS = 300","TOLERANCE_SECONDS = 200"),
('secure/receiver.js',"Math.abs(Date.now() / 1000 - Number(timestamp))","(Date.now() / 1000 - Number(timestamp))"),
('secure/receiver.js',"  if (!/^","  if (false && !/^"),
('secure/receiver.js',"if (known) return known;",""),
('secure/receiver.js',"outcome.catch(() => handled.delete(payload.delivery_id));","outcome.catch(() => {});"),
('secure/receiver.js',".update(`${timestamp}.`)",""),
('secure/receiver.js',"left.length === right.length && ",""),
('secure/receiver.js',"MAX_BODY_BYTES = 2 * 1024","MAX_BODY_BYTES = 1 * 512"),
('start-receiver.ts',"split('\\n')","split(/[\\n\\u2028]/)"),
]
for f,a,b in M:
    shutil.rmtree(tmp,ignore_errors=True); os.mkdir(tmp)
    for n in ['express-basic','flask-basic','secure','with-package']: shutil.copytree(f'{root}/{n}',f'{tmp}/{n}')
    for n in ['package.json','start-receiver.ts','find-python.ts','examples.test.ts']: shutil.copy(f'{root}/{n}',tmp)
    t=open(tmp+'/examples.test.ts').read()
    t=t.replace("of receiverNames)","of receiverNames.filter((n) => n !== 'with-package'))"); open(tmp+'/examples.test.ts','w').write(t)
    s=open(f'{tmp}/{f}').read(); assert a in s,(f,a); open(f'{tmp}/{f}','w').write(s.replace(a,b))
    r=subprocess.run([node,'--conditions=source','--test','--test-reporter=tap',tmp+'/examples.test.ts'],capture_output=True,text=True,env={**os.environ,'PYTHON':'/usr/bin/python3'})
    fails=[x.strip()[7:] for x in r.stdout.splitlines() if x.strip().startswith('not ok') and 'with-package' not in x]
    passes=sum(x.strip().startswith('ok') for x in r.stdout.splitlines())
    print('CONTROL' if a==b else 'KILLED ' if fails else 'SURVIVED',passes,f,'|',a[:50].replace('\n',' '),'->',b[:40].replace('\n',' '),'|',fails[:1],flush=True)
shutil.rmtree(tmp); os.remove(root+'/.mutate.py')
