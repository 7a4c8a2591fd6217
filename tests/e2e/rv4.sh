. "$(dirname "$0")/lib.sh"
state() { out "$LIB/net.py" tcp $POD4 "$1" 0.5; }
setup
ip netns add "plx$$-b"; ip -n "plx$$-b" link set lo up
start_echo tcp 7000 8080 8081
drop app.lic '"ports":[{"port":8080},{"port":8081}]'
eventually 5 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8080)\" = ok ]"
cat > $T/storm.py <<'P'
import http.client, json, os, random, socket, sys, time, threading, signal
sock, tdir, ns, pid = sys.argv[1:5]; pid=int(pid)
class C(http.client.HTTPConnection):
    def __init__(s): super().__init__("p", timeout=20)
    def connect(s):
        s.sock = socket.socket(socket.AF_UNIX); s.sock.settimeout(20); s.sock.connect(sock)
def req(m, p, b=None, abort=False):
    c = C(); 
    try:
        c.request(m, p, b)
        if abort: c.close(); return 0
        r = c.getresponse(); r.read(); return r.status
    except Exception as e:
        return repr(e)[:60]
    finally: c.close()
lics=[open(f"{tdir}/s{i}.lic").read() for i in range(4)]
stats={}
end=time.time()+float(sys.argv[5])
def worker(seed):
    r=random.Random(seed)
    while time.time()<end:
        k=r.randrange(14); ab=r.random()<.15
        pol=json.dumps({"name":"m","match":{"gates":["*"]},"mode":r.choice(["enforce","audit"]),"open":[{"port":r.choice([7000,8080,9000]),"endPort":9100}]})
        f=r.choice(["a.json","b.json"])
        g=r.choice(["pod","b"])
        a={0:lambda:req("PATCH","/v1/gates/"+g,json.dumps({"mode":r.choice(["audit","off","enforce"]),"for":r.choice([1,2,5]),"why":"x"}),ab),
           1:lambda:req("PATCH","/v1/gates/"+g,json.dumps({"mode":"enforce"}),ab),
           2:lambda:req("POST",f"/v1/policies?file={f}&confirm={r.choice([1,2,5])}",pol,ab),
           3:lambda:req("POST",f"/v1/licenses?file=t{r.randrange(3)}.lic&confirm={r.choice([1,2,5])}",r.choice(lics),ab),
           4:lambda:req("POST","/v1/trial/confirm","",ab) ,
           5:lambda:req("POST","/v1/trial/rollback","",ab),
           6:lambda:req("POST","/v1/rehearse",json.dumps({"at":"+2d","gate":g,"enforce":True,"for":r.choice([1,3])}),ab),
           7:lambda:req("POST","/v1/rehearse",json.dumps({"without":"line-1","gate":g,"enforce":True,"for":2}),ab),
           8:lambda:req("POST","/v1/gates",json.dumps({"name":"b","netns":ns}),ab),
           9:lambda:req("DELETE","/v1/gates/b",None,ab),
           10:lambda:req("GET",r.choice(["/v1/status","/v1/ports","/v1/gates","/v1/licenses","/v1/entitlements"]),None,ab),
           11:lambda:req("POST",f"/v1/policies?file={f}",pol,ab),
           12:lambda:req("DELETE",r.choice([f"/v1/policies/{f}",f"/v1/licenses/t{r.randrange(3)}.lic"]),None,ab),
           13:lambda:(os.kill(pid,signal.SIGHUP) or 0) if r.random()<.3 else req("POST","/v1/rehearse",json.dumps({"with":r.choice(lics),"file":"t1.lic","gate":g,"enforce":True,"for":2}),ab)}[k]()
        stats[(k,a)]=stats.get((k,a),0)+1
ts=[threading.Thread(target=worker,args=(i,)) for i in range(5)]
[t.start() for t in ts]; [t.join() for t in ts]
for k in sorted(stats,key=str): print(k,stats[k])
P
for i in 0 1 2 3; do sign "\"lid\":\"l$((i%2))\"" "\"jti\":\"s$i\"" "\"seq\":$i" '"ports":[{"port":8080},{"port":8100,"endPort":8200},{"port":'$((8081+i))'}]' > $T/s$i.lic; done
out "$LIB/net.py" loop $POD4 8080 ${SECS:-15} > $T/loop & l=$!; PIDS+=($l)
python3 $T/storm.py $PORTLIC_SOCKET $T /run/netns/plx$$-b $AGENT ${SECS:-15}
wait $l; echo loop: $(cat $T/loop)
sleep 7
portlic status; portlic gate list; portlic port list pod
portlic policy rollback; for g in pod b; do portlic gate set $g --mode enforce; done; 
ls $T/policies.d $T/licenses.d
ls /proc/$AGENT/fd | wc -l
agent_end TERM
grep -E 'ERROR|runtime error|Sanitizer|leak|SUMMARY|    #' $T/agent.log | head -60
grep -c . $T/agent.log; grep -E 'error' $T/agent.log | grep -v break_glass | sort | uniq -c | head
