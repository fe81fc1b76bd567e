// A test with paho.golang, against `promptmq test-server --clock fake --storage --ready-file FILE`, with FILE in READY_FILE.
package device

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

var ready struct{ URL, Control string }

func TestMain(m *testing.M) {
	file, err := os.ReadFile(os.Getenv("READY_FILE"))
	if err == nil {
		err = json.Unmarshal(file, &ready)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

type fields map[string]any

// control has the test server do something, and returns what it answers.
func control(t *testing.T, verb string, of fields) map[string]any {
	t.Helper()
	body, _ := json.Marshal(of)
	response, err := http.Post(ready.Control+"/"+verb, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	json.NewDecoder(response.Body).Decode(&answer)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", verb, answer)
	}
	return answer
}

func connect(t *testing.T, clientID string) *paho.Client {
	t.Helper()
	address, _ := url.Parse(ready.URL)
	conn, err := net.Dial("tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client := paho.NewClient(paho.ClientConfig{Conn: conn})
	expiry := uint32(3600)
	_, err = client.Connect(ctx, &paho.Connect{
		ClientID: clientID, KeepAlive: 60,
		Properties: &paho.ConnectProperties{SessionExpiryInterval: &expiry},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestPublishes(t *testing.T) {
	device := connect(t, "go-publisher")
	_, err := device.Publish(context.Background(), &paho.Publish{Topic: "go/state", QoS: 1, Payload: []byte(`{"on":true}`)})
	if err != nil {
		t.Fatal(err)
	}
	found := control(t, "waitFor", fields{"filter": "go/+", "where": fields{"payload": fields{"on": true}}})
	message := found["messages"].([]any)[0].(map[string]any)
	if message["client"] != "go-publisher" {
		t.Fatal(message)
	}
	device.Disconnect(&paho.Disconnect{})
}

func TestIsRefused(t *testing.T) {
	device := connect(t, "go-refused")
	control(t, "faults/refuse", fields{"packet": "PUBLISH", "reasonCode": 0x97, "client": "go-refused"})
	response, err := device.Publish(context.Background(), &paho.Publish{Topic: "a", QoS: 1})
	if err == nil || response.ReasonCode != 0x97 {
		t.Fatal(response, err)
	}
	control(t, "faults/clear", fields{})
	device.Disconnect(&paho.Disconnect{})
}

func TestIsCutOffByACrash(t *testing.T) {
	device := connect(t, "go-crash")
	control(t, "restart", fields{"kill": true})
	<-device.Done()
	connect(t, "go-crash").Disconnect(&paho.Disconnect{})
	control(t, "clock/advance", fields{"duration": "2h"})
}
