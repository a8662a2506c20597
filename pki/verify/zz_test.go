package verify
import ("testing";"os";"fmt";"strings")
func TestZZ(t *testing.T){
 lib:=startLibrary(t)
 for _,d:=range strings.Fields(os.Getenv("ZZ")) { c:=readPEM(t,d+"/chain.pem"); for i,x:=range c { _,err:=ParseCertificate(x); if err!=nil {fmt.Println("ours",i,err)}; os.WriteFile(fmt.Sprintf("/tmp/oracle/c%d.der",i),x,0600)} 
 b,_:=os.ReadFile(d+"/README.txt"); var l,k,dp int; fmt.Sscanf(string(b),"level %d, CRL check %d, depth %d",&l,&k,&dp)
 j:=job{level:l,crlCheck:CRLCheck(k),depth:dp,at:testTime,chain:c,trusted:readPEM(t,d+"/roots.pem")}
 if _,e:=os.Stat(d+"/crl.pem");e==nil{j.crls=readPEM(t,d+"/crl.pem")}
 j=shrink(j,func(j job)bool{return !agree(j.ours(t),lib.ask(t,j))})
 o,th:=j.ours(t),lib.ask(t,j); fmt.Println(d,agree(o,th),o,"|",th, j.reproduce(t,o,th,nil))
 }
}
