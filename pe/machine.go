package pe

import "fmt"

// A Machine is the processor that an image is for. See PE Format, Machine Types.
type Machine uint16

// The machines that wheels are made for, and those that appear in hybrid images.
const (
	MachineX86     Machine = 0x014c
	MachineARM     Machine = 0x01c4 // Thumb-2, Windows RT
	MachineX64     Machine = 0x8664
	MachineARM64   Machine = 0xaa64
	MachineARM64EC Machine = 0xa641 // object files; an image of this kind says x64
	MachineARM64X  Machine = 0xa64e // object files; an image of this kind says arm64
)

// String returns the name that Windows users know the machine by.
func (m Machine) String() string {
	switch m {
	case MachineX86:
		return "x86"
	case MachineARM:
		return "arm"
	case MachineX64:
		return "x64"
	case MachineARM64:
		return "arm64"
	case MachineARM64EC:
		return "arm64ec"
	case MachineARM64X:
		return "arm64x"
	}
	return fmt.Sprintf("machine %#x", uint16(m))
}
